"""
Read Office documents (DOCX, PPTX, XLSX, OpenDocument): their parts become blocks, which MuPDF lays out on pages.

MuPDF can also read DOCX and PPTX itself, but not their headers, footers and pictures, and not files that break the
standard. python-docx and python-pptx do not open such files either, so the parts are read directly.
"""

from airflow_provider_classify.engine.reading.office.html_pages import open_office

__all__ = ["open_office"]
