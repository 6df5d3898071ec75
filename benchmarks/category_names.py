"""Names of twenty common categories in the words of several users, and a description of each category."""

from pathlib import Path

import yaml

#: By user: the user's name for each category.
PARAPHRASES: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("paraphrases.yaml").read_text(encoding="utf-8")
)

#: A description of each category, for an engine that does not know the type.
DESCRIPTIONS = {
    "advertisement": "A printed advertisement or brochure that promotes a product, a brand or a service to customers.",
    "bank_statement": "A monthly statement of a bank account with its transactions, deposits, withdrawals and balance.",
    "contract": "A legal agreement between two parties with terms, obligations, termination and signatures.",
    "court_document": "A document filed with a court or issued by it, naming the plaintiff, the defendant and a judge.",
    "datasheet_manual": "A technical data sheet with product specifications, or a manual on how to use a device.",
    "email": "An email message with sender, recipient, subject and the date it was sent.",
    "financial_report": "A company's annual or quarterly report with balance sheet, income and cash flow.",
    "form": "A form with labelled fields and boxes for name, address, date and signature that an applicant fills in.",
    "id_card": "An identity card, passport or driving licence with name, date of birth, nationality and photo.",
    "insurance": "An insurance policy or claim with policy number, insured person, coverage and premium.",
    "invoice": "A bill from a seller to a customer with invoice number, items, prices, tax and the amount due.",
    "letter": "A letter to a person or company that begins with Dear and ends with Sincerely and a signature.",
    "medical_record": "A patient's medical record or laboratory report with diagnosis, results and medication.",
    "memo": "An internal memorandum within a company with the lines to, from, date and subject.",
    "news": "A newspaper article or page that reports events and quotes what people said.",
    "presentation": "Slides of a talk, each with a title and bullet points.",
    "receipt": "A receipt from a shop or restaurant with items bought, total, tax and payment by cash or card.",
    "resume": "A person's curriculum vitae with work experience, education, skills and contact details.",
    "scientific_paper": "A research article with abstract, introduction, methods, results and references.",
    "tax_form": "A tax return or tax authority form with income, withholding and taxpayer identification number.",
}
