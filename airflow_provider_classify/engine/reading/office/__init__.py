"""
Office documents (DOCX, PPTX, XLSX, OpenDocument): their parts as blocks, which MuPDF lays out on pages.

MuPDF reads DOCX and PPTX too, but neither headers and footers, nor pictures, nor files that differ a little from the
standard. The parts are read directly, because python-docx and python-pptx refuse such files as well.
"""

from airflow_provider_classify.engine.reading.office.html_pages import open_office

__all__ = ["open_office"]
