"""The language of a text."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.text.language import guess_language
from airflow_provider_classify.engine.text.words import words_of


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
        ("sk", "Prosíme o zaplatenie faktúry do konca mesiaca, číslo účtu je uvedené pri sume, ako sa uvádza nižšie."),
        ("no", "Vi ber dere betale beløpet og takker for det. Faktura og dato står på neste side."),
        ("fi", "Pyydämme maksamaan laskun, joka on 30 euroa, eräpäivään mennessä, ja nimi tai osoite puuttuu."),
        ("hr", "Molimo da platite račun koji je priložen, a broj i iznos nalaze se prema dogovoru na kraju."),
        ("sl", "Prosimo, da plačate račun, ki je priložen, številka in znesek sta tudi pri podpisu."),
        ("ro", "Vă rugăm să plătiți suma din factură până la sfârșitul lunii, prin transfer sau cu cardul."),
        ("hu", "Kérjük, hogy az összeget egy hónapon belül szíveskedjen befizetni, vagy jelezze, ha ezt nem tudja."),
        ("et", "Palume tasuda arve summa kuupäevaks, mis on leping ja nimi ning aadress."),
        ("lv", "Lūdzam samaksāt summu līdz gada beigām, un datums ir uz rēķina."),
        ("lt", "Prašome sumokėti, nes suma yra nurodyta, ir vardas arba pavardė bus pagal sutartį."),
        ("ca", "Us demanem que pagueu els rebuts amb aquest import abans del dia tres, per als comptes nous."),
        ("id", "Mohon membayar jumlah ini dengan nomor rekening yang tertera dan tanggal dari faktur."),
        ("ms", "Sila bayar jumlah ini dengan nombor akaun yang tertera dan tarikh dari invois."),
        ("vi", "Đề nghị quý khách thanh toán số tiền của hóa đơn này trong tháng, theo ngày được ghi cho người mua."),
        ("bg", "Молим да платите сумата до края на месеца, тъй като срокът изтече и условията са същите."),
        ("sr", "Молимо да платите рачун до краја месеца, на њему је број и ваљда још нешто."),
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
