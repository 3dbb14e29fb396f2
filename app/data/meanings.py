"""What a column holds, guessed from its name in several languages and from its values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from app.core.tables import Meaning

# Whole names after dropping accents, case, blanks and signs; the order decides where a word could mean two things.
_NAMES: Final[Mapping[Meaning, str]] = {
    Meaning.MOBILE_AD_ID: "maid|idfa|gaid|aaid|adid|advertisingid|mobileadid|mobileadvertiserid|deviceadid",
    Meaning.EMAIL: (
        "email|emailaddress|emailprimary|primaryemail|mail|mailaddress|emailadresse|correo|correoelectronico|courriel|"
        "adressemail|emailwork|workemail|personalemail|eposta|epost|epostadress|indirizzoemail|posta|emailcontact|"
        "contactemail|customeremail|mailadresse"
    ),
    Meaning.PHONE: (
        "phone|phonenumber|mobile|mobilephone|mobilenumber|cell|cellphone|tel|telephone|telefon|telefonnummer|handy|"
        "handynummer|mobiltelefon|mobil|telefono|movil|celular|telemovel|telefone|portable|gsm|fax|homephone|workphone|"
        "businessphone|primaryphone|phoneprimary|contactphone|telefoon|puhelin|telefonnumber"
    ),
    Meaning.FIRST_NAME: (
        "firstname|givenname|vorname|forename|prenom|nombre|nome|voornaam|fornamn|fornavn|imie|jmeno|fname|first"
    ),
    Meaning.LAST_NAME: (
        "lastname|surname|familyname|nachname|familienname|nomdefamille|nom|apellido|apellidos|cognome|achternaam|efternamn|"
        "etternavn|nazwisko|prijmeni|sobrenome|lname|last"
    ),
    Meaning.FULL_NAME: "fullname|displayname|customername|contactname|personname|nomcomplet|nombrecompleto|vollername",
    Meaning.BIRTH_DATE: (
        "birthdate|dateofbirth|dob|birthday|geburtsdatum|geburtstag|datedenaissance|fechadenacimiento|"
        "datadinascita|geboortedatum|bday"
    ),
    Meaning.GENDER: "gender|sex|geschlecht|sexe|genero|genere|geslacht|kon",
    Meaning.STREET: (
        "street|streetaddress|address|addressline|address1|addressline1|street1|strasse|adresse|rue|calle|direccion|via|"
        "indirizzo|straat|adres|gata|gatuadress|ulica|endereco|billingaddress|shippingaddress|postaladdress"
    ),
    Meaning.CITY: (
        "city|town|ort|stadt|wohnort|ville|ciudad|citta|comune|plaats|woonplaats|miasto|mesto|cidade|postort|"
        "billingcity|shippingcity"
    ),
    Meaning.STATE: (
        "state|province|region|stateprovince|bundesland|estado|provincia|provincie|departement|billingstate|"
        "shippingstate"
    ),
    Meaning.POSTAL_CODE: (
        "postalcode|zip|zipcode|postcode|plz|postleitzahl|codepostal|codigopostal|cap|postnummer|postnr|kodpocztowy|psc|cep|"
        "billingpostalcode|shippingpostalcode|pincode"
    ),
    Meaning.COUNTRY: (
        "country|countrycode|countryregion|nation|land|landcode|pays|pais|paese|kraj|zeme|billingcountry|"
        "shippingcountry|countryname"
    ),
    Meaning.LANGUAGE: (
        "language|lang|locale|sprache|langue|idioma|lingua|taal|sprak|jezyk|jazyk|preferredlanguage|languagecode"
    ),
    Meaning.COMPANY: (
        "company|companyname|organization|organisation|firma|firmenname|unternehmen|societe|entreprise|"
        "empresa|azienda|bedrijf|foretag|employer|accountname"
    ),
    Meaning.JOB_TITLE: (
        "jobtitle|jobrole|position|beruf|berufsbezeichnung|funktion|poste|cargo|puesto|qualifica|functie|occupation"
    ),
    Meaning.WEBSITE: (
        "website|web|url|homepage|webdomain|domain|webseite|siteweb|sitioweb|sitoweb|companydomain|websiteurl"
    ),
    Meaning.CONSENT: (
        "emailoptin|optin|consent|marketingconsent|newsletteroptin|einwilligung|werbeeinwilligung|consentement|consentimiento|"
        "consenso|smsoptin|mailoptin|marketingoptin|emailconsent|smsconsent|gdprconsent|subscribed|emailsubscribed"
    ),
}
_BY_NAME: Final = {name: meaning for meaning, names in _NAMES.items() for name in names.split("|")}
# What may stand around the word without changing it: Contact E-mail, Email 2, Kunden-PLZ.
_AROUND: Final = re.compile(
    r"^(customer|contact|client|person|user|kunden?|my|billing|home|main)|(\d+|main|primary|work|business|home)$"
)


@lru_cache(maxsize=4096)
def meaning_of_name(column: str) -> Meaning:
    """The meaning a column's name tells, in English, German, French, Spanish, Italian and others; NONE when it tells none."""
    plain = unicodedata.normalize("NFKD", column.replace("ß", "ss")).encode("ascii", "ignore").decode().casefold()
    word = re.sub(r"[^a-z0-9]", "", plain)
    for _ in range(3):
        if word in _BY_NAME:
            return _BY_NAME[word]
        shorter = _AROUND.sub("", word, count=1)
        if shorter == word:
            break
        word = shorter
    return Meaning.NONE
