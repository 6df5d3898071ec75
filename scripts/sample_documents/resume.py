"""A hydrologist's résumé in two columns."""

from __future__ import annotations

import pymupdf

from sample_documents.sheet import BLACK, GREY, SANS, SANS_BOLD, SANS_ITALIC, WHITE, Sheet

SLATE = (0.17, 0.22, 0.3)
ACCENT = (0.72, 0.33, 0.16)
PALE = (0.8, 0.84, 0.89)

SIDEBAR = (
    ("Contact", ("Shrewsbury, England", "07700 900264", "lenka.horak@mail.example", "lenkahorak.example")),
    (
        "Skills",
        (
            "Flood and drought modelling",
            "River gauging, field surveys",
            "Python, R, PostgreSQL, QGIS",
            "HEC-RAS, MIKE 11",
            "Technical writing",
            "Team leadership",
        ),
    ),
    ("Languages", ("Czech – native", "English – fluent (C2)", "German – good (B2)", "Polish – basic (A2)")),
    (
        "Certificates",
        ("Chartered hydrologist, 2021", "Swift-water rescue, level 2", "Drone pilot, category A2", "Driving licence"),
    ),
    ("Interests", ("Long-distance rowing", "Choir singing", "Old maps")),
)

PROFILE = (
    "Hydrologist with eleven years of experience in flood forecasting, from the gauge in the river to the "
    "warning on the phone. I build models that people on night duty can understand and trust, and like to see for "
    "myself where the water goes."
)

EXPERIENCE = (
    (
        "Senior Hydrologist, Flood Forecasting",
        "Upper Severn Flood Centre, Shrewsbury",
        "March 2020 – present",
        (
            "Lead a team of six that runs the forecasts for 41 gauges around the clock.",
            "Rebuilt the forecast chain in Python: a run now takes 4 minutes, not 50.",
            "Cut false alarms by a third in two seasons by blending radar and gauge data.",
            "Brief the regional crisis staff during floods, most recently in January 2026.",
        ),
    ),
    (
        "Hydrologist",
        "Kessler & Brandt Water Engineers, Dresden",
        "June 2016 – February 2020",
        (
            "Drew up flood hazard maps for 23 municipalities on the upper Elbe.",
            "Designed retention basins together with planners, farmers and landowners.",
            "Introduced reviews of every model by a second engineer before delivery.",
        ),
    ),
    (
        "Graduate Engineer",
        "Vltava Survey Institute, Prague",
        "September 2014 – May 2016",
        (
            "Measured discharge and sediment at 60 sites by boat and from bridges.",
            "Digitised 40 years of paper records and checked them for errors.",
        ),
    ),
)

EDUCATION = (
    ("M.Sc. Hydrology and Water Management", "Technical University of Moravia, 2012 – 2014, with distinction"),
    ("B.Sc. Civil Engineering", "Technical University of Moravia, 2009 – 2012"),
)

PUBLICATIONS = (
    "Horák, L. and Weiss, J. (2023). Radar rainfall for small catchments: what is gained and what it costs.",
    "Horák, L. (2021). Warnings that are read: the wording of flood bulletins.",
)


def draw() -> pymupdf.Document:
    """Draw one A4 page."""
    document = pymupdf.open()
    sheet = Sheet(document)
    sheet.box(0, 0, 190, sheet.height, SLATE)
    sheet.text(215, 72, "Lenka Horák", SANS_BOLD, 28, SLATE)
    sheet.text(215, 93, "Senior Hydrologist", SANS, 13, ACCENT)
    _sidebar(sheet)
    y = _heading(sheet, 128, "Profile")
    y = sheet.paragraph(215, y, 340, PROFILE, SANS, 9.5, leading=1.5)
    y = _heading(sheet, y + 16, "Work experience")
    for role, employer, dates, duties in EXPERIENCE:
        y = _position(sheet, y, role, employer, dates, duties) + 9
    y = _heading(sheet, y + 10, "Education")
    for degree, school in EDUCATION:
        y = sheet.text(215, y, degree, SANS_BOLD, 9.5)
        y = sheet.text(215, y, school, SANS, 9.5, GREY) + 7
    y = _heading(sheet, y + 14, "Publications")
    for publication in PUBLICATIONS:
        y = sheet.paragraph(215, y, 340, publication, SANS, 9, leading=1.5) + 5
    sheet.finish()
    return document


def _sidebar(sheet: Sheet) -> None:
    sheet.box(58, 44, 132, 118, ACCENT)
    sheet.text(95, 92, "LH", SANS_BOLD, 30, WHITE, "centre")
    y = 158.0
    for name, entries in SIDEBAR:
        sheet.text(26, y, name.upper(), SANS_BOLD, 10, WHITE)
        sheet.rule(26, y + 6, 164, PALE, 0.7)
        y = sheet.text(26, y + 24, "\n".join(entries), SANS, 9.5, PALE, leading=1.75) + 26


def _heading(sheet: Sheet, y: float, name: str) -> float:
    sheet.text(215, y, name, SANS_BOLD, 12.5, ACCENT)
    sheet.rule(215, y + 5, 555, ACCENT, 0.7)
    return y + 24


def _position(sheet: Sheet, y: float, role: str, employer: str, dates: str, duties: tuple[str, ...]) -> float:
    y = sheet.text(215, y, role, SANS_BOLD, 10.5)
    sheet.text(555, y, dates, SANS, 9, GREY, "right")
    y = sheet.text(215, y, employer, SANS_ITALIC, 9.5, SLATE) + 1
    for duty in duties:
        sheet.text(218, y, "•", SANS, 9.5, ACCENT)
        y = sheet.paragraph(228, y, 327, duty, SANS, 9.5, BLACK, leading=1.5)
    return y
