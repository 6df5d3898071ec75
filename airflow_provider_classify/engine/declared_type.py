"""Find the type that a document's format declares: an e-mail by its headers, an e-invoice by its XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.scoring.category_set import CategorySet

#: The document type of an e-mail.
MAIL_TYPE = "email"
#: The probability of a declared type.
DECLARED = 0.99


@dataclass(frozen=True, slots=True)
class Declaration:
    """
    A declared document type that a category means.

    :param category: the number of the category.
    :param type_name: the document type.
    :param evidence: the part of the document that declares it: the root of an e-invoice, or the format of a mail.
    :param rivals: the numbers of categories that may mean some documents of this type. The text decides between them
        and ``category``.
    """

    category: int
    type_name: str
    evidence: str
    rivals: tuple[int, ...] = ()

    def apply(self, shares: Sequence[float]) -> list[float]:
        """
        Return shares of which the declared category and its rivals have DECLARED together.

        Without rivals, or if all of these shares are 0, the declared category alone has DECLARED. The shares of the
        other categories are scaled to at most 1 - DECLARED together.
        """
        within = {self.category, *self.rivals}
        declared = sum(shares[number] for number in within)
        if not self.rivals or not declared:
            shares = [1.0 if number == self.category else share for number, share in enumerate(shares)]
            within, declared = {self.category}, 1.0
        rest = max(sum(shares) - declared, 1.0 - DECLARED)
        return [
            share * (DECLARED / declared if number in within else (1.0 - DECLARED) / rest)
            for number, share in enumerate(shares)
        ]


def declaration_of(document: OpenedDocument, categories: CategorySet) -> Declaration | None:
    """
    Return the type that the document's format declares; None if no category means it.

    If a category's description mentions e-mails, the category may mean some of them. So it is a rival of the category
    that means e-mail.
    """
    if document.declared_type:
        category = categories.category_that_means(document.declared_type)
        evidence = document.declared_by or document.declared_type
        return None if category is None else Declaration(category, document.declared_type, evidence)
    category = categories.category_that_means(MAIL_TYPE) if document.is_mail else None
    if category is None:
        return None
    rivals = tuple(number for number in categories.categories_that_mention(MAIL_TYPE) if number != category)
    return Declaration(category, MAIL_TYPE, f"the format of {document.kind}", rivals)
