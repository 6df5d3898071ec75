"""A museum's letter of thanks and request to a lender."""

from __future__ import annotations

import pymupdf

from sample_documents.sheet import GREY, SERIF, SERIF_BOLD, SERIF_ITALIC, Sheet

TEAL = (0.05, 0.32, 0.38)

PARAGRAPHS = (
    "Thank you for your letter of 22 May, and above all for the afternoon that you spent with us going through your "
    "grandfather’s logbooks. My colleagues are still talking about the entry for the night of the great storm.",
    "As I mentioned then, we are preparing an exhibition about the pilots and their families, which will open to the "
    "public on Saturday, 3 October and run until the end of January. We would be honoured to show two of the logbooks "
    "and the brass telescope beside the harbour chart that we already hold. All three would be kept in a locked case, "
    "away from daylight, and insured at our cost from the moment they leave your house.",
    "If you are willing, our conservator, Mr Bellamy, could collect them in the first week of September. He would "
    "bring a loan form for your signature, and would gladly look at the loose binding of the second volume while it "
    "is in his care. There would be no charge to you for this work.",
    "I also have a favour to ask. Several of our visitors were children in Quay Lane in the fifties, and your memories "
    "of the pilot cottages would mean a great deal to them. Might you consider speaking for a quarter of an hour at "
    "the opening? We would of course send a car for you and bring you home again.",
    "Please do not feel obliged to decide at once. I shall be away until 29 June, but Mrs Lacey in my office will be "
    "happy to answer any questions in the meantime, on the number above.",
)


def draw() -> pymupdf.Document:
    """Draw one A4 page."""
    document = pymupdf.open()
    sheet = Sheet(document)
    middle = sheet.width / 2
    sheet.text(middle, 66, "Tidewater Museum of Local History", SERIF_BOLD, 19, TEAL, "centre")
    address = "The Old Custom House, Harbour Road, Penrath PN4 2QL   ·   01632 960 318   ·   office@tidewater.example"
    sheet.text(middle, 84, address, SERIF, 9, GREY, "centre")
    sheet.rule(70, 96, 525, TEAL, 1)

    y = sheet.text(70, 136, "Mrs Margaret Trevanion\n3 Chapel Terrace\nPenrath PN4 6HB", SERIF, 11)
    sheet.text(525, y + 12, "16 June 2026", SERIF, 11, align="right")
    sheet.text(70, y + 46, "Dear Mrs Trevanion,", SERIF, 11)
    y = sheet.text(70, y + 70, "Loan of the pilot’s logbooks", SERIF_BOLD, 11) + 6
    for paragraph in PARAGRAPHS:
        y = sheet.paragraph(70, y, 455, paragraph, SERIF, 11, leading=1.4) + 7

    y = sheet.text(70, y + 4, "Yours sincerely,", SERIF, 11)
    sheet.stroke(
        78, y + 26,
        ((0, 2), (7, -22), (12, -24), (9, 4), (4, 8), (12, -6), (22, -8), (19, 1), (25, 0), (31, -8), (30, 1),
         (38, -7), (42, -1), (49, -8), (47, 1), (60, -28), (55, 2), (66, -6), (70, 0), (92, -7), (118, -4)),
    )  # fmt: skip
    sheet.text(70, y + 56, "Dr Rowan Castellane", SERIF, 11)
    sheet.text(70, y + 71, "Curator", SERIF_ITALIC, 11)
    sheet.text(70, 790, "Enc.: plan of the exhibition; loan conditions", SERIF, 9.5, GREY)
    sheet.finish()
    return document
