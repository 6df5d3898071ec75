"""The language of a text."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.language import guess_language
from airflow_provider_classify.engine.words import words_of


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We thank you for your order of 3 May, which will be sent to the address below."),
        ("de", "Wir bitten Sie, den Betrag bis zum 3. Mai auf unser Konto zu überweisen."),
        ("fr", "Nous vous prions de régler le montant de la facture dans les trente jours."),
        ("es", "Le rogamos que pague el importe de la factura en los próximos días."),
        ("it", "La preghiamo di pagare l'importo della fattura con un bonifico entro il mese."),
        ("pt", "O valor da fatura não foi pago até ao dia três, e por isso pedimos uma resposta."),
        ("nl", "Wij verzoeken u het bedrag van de factuur voor het einde van de maand te betalen."),
        ("sv", "Vi ber er att betala fakturan och tackar för det. Belopp och datum står på nästa sida."),
        ("da", "Vi beder jer betale beløbet og takker for det. Faktura og dato står på næste side."),
        ("pl", "Prosimy o zapłatę za fakturę do końca miesiąca, numer konta jest podany pod tabelą."),
        ("cs", "Prosíme o zaplacení faktury do konce měsíce, číslo účtu je uvedeno pod tabulkou, která je níže."),
        ("tr", "Fatura tutarı için ödeme tarihi ve hesap numarası bu belgede yer alır."),
        ("ru", "Просим вас оплатить счет до конца месяца, номер и дата указаны на этой странице."),
        ("uk", "Просимо вас сплатити рахунок до кінця місяця, номер та дата вказані на цій сторінці."),
        ("ja", "請求書の金額を月末までにお支払いください。"),
        ("zh", "请在月底之前支付发票上的金额。"),
        ("ko", "월말까지 청구서 금액을 지불해 주십시오."),
        ("el", "Παρακαλούμε να πληρώσετε το τιμολόγιο."),
        ("ar", "يرجى دفع مبلغ الفاتورة قبل نهاية الشهر"),
        ("he", "נא לשלם את החשבונית עד סוף החודש"),
        ("th", "กรุณาชำระเงินตามใบแจ้งหนี้"),
        ("hi", "कृपया महीने के अंत तक चालान का भुगतान करें"),
    ],
)
def test_a_sentence(language: str, text: str) -> None:
    assert guess_language(words_of(text)) == language


@pytest.mark.parametrize("text", ["", "4711 12.50 EUR", "Horák, Trevanion & Söhne", "lorem ipsum dolor"])
def test_too_little_speaks_for_a_language(text: str) -> None:
    assert guess_language(words_of(text)) is None


def test_two_languages_alike_are_none() -> None:
    english = "the of and to is that for with by from"
    german = "der die das und ist nicht ein eine einer den"
    assert guess_language(words_of(f"{english} {german}")) is None


def test_names_in_latin_letters_leave_a_text_in_its_own_script() -> None:
    assert guess_language(words_of("株式会社サンプルの請求書です。Example Ltd, Tokyo")) == "ja"
