"""Templates in German, French, Spanish, Italian, Dutch, Portuguese and a few other languages."""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

RULES: dict[str, list[str]] = {
    "de": [
        "Guten Tag {title} {p1.family}, anbei die Rechnung {id} über {money}.", "Mein Name ist {p1.full}, ich wohne in {city}.", "Bitte rufen Sie {p1.full} unter {phone} zurück.", "Die {org#1} mit Sitz in {city} liefert am {date.de}.", "{t:Herr} {p1.family} und {t:Frau} {p2.family} kommen um {time}.", "{p1.given} ist ab {date.de} im Urlaub, Vertretung: {p2.full}.", "Geboren am {date.de} in {city}.", "Anschrift: {address}", "Können Sie mir die Nummer von {p1.full} geben?", "Die Lieferung geht an {p1.full}, {address}.", "Laut {p1.full} ({org}) war der Server nicht erreichbar.", "Vielen Dank für Ihre Nachricht.", "Die Bestellung wurde storniert.", "Im Auftrag\n{p1.full}\n{org}", "Das Amtsgericht hat den Antrag von {p1.full} abgelehnt.", "wer ist {p1.lower}?", "Der Kunde wohnt in {city}.",
    ],
    "fr": [
        "Bonjour {p1.given}, je vous envoie la facture {id} de {money}.", "Je m'appelle {p1.full} et j'habite à {city}.", "{title} {p1.family} est né le {date.fr} à {city}.", "Veuillez contacter {p1.full} au {phone}.", "La société {org#1}, dont le siège est à {city}, a licencié {n} salariés.", "Adresse : {address}", "Le requérant, {title} {p1.full}, est un ressortissant né en {year}.", "Qui est {p1.full} ?", "{p1.given} et {p2.given} arrivent le {date.fr}.", "Merci de votre réponse.", "La réunion est reportée.", "{p1.full} travaille chez {org} depuis {year}.", "Le chèque est au nom de {p1.full}, {address}.", "Cordialement,\n{p1.full}\n{org}",
    ],
    "es": [
        "Hola {p1.given}, te envío la factura {id} por {money}.", "Me llamo {p1.full} y vivo en {city}.", "{t:Don} {p1.full}, nacido el {date.es} en {city}, con domicilio en {address}.", "Llame a {p1.full} al {phone}.", "La empresa {org#1} abrirá en {city}.", "¿Quién es {p1.full}?", "{p1.given} y {p2.given} llegan el {date.es}.", "El paciente {p1.full}, de {age} años, ingresó el {date.es} en el {org.health}.", "Gracias por su mensaje.", "El pedido no ha llegado.", "Firmado: {p1.full}", "La {t:doctora} {p1.family} atiende en {city}.", "Atentamente,\n{p1.full}\n{org}", "Remitido por: {title} {p1.full}. {address}. {p1.email}", "El demandante, {p1.full}, reclama {money}.",
    ],
    "it": ["Ciao {p1.given}, ti mando la fattura {id}.", "Mi chiamo {p1.full} e abito a {city}.", "{p1.full}, nato a {city} il {date.it}, residente in {address}.", "La ditta {org#1} ha sede a {city}.", "Chi è {p1.full}?", "Il {t:dottor} {p1.family} la chiamerà al {phone}.", "Grazie mille per la risposta.", "L'ordine è stato spedito.", "Cordiali saluti,\n{p1.full}\n{org}"],
    "nl": ["Beste {p1.given}, hierbij de factuur {id} van {money}.", "Mijn naam is {p1.full} en ik woon in {city}.", "De {t:heer} {p1.family} werkt bij {org}.", "Wie is {p1.full}?", "Bel {p1.full} op {phone}.", "Adres: {address}", "Bedankt voor uw bericht.", "De bestelling is verzonden.", "Met vriendelijke groet,\n{p1.full}\n{org}"],
    "pt": ["Olá {p1.given}, segue a fatura {id} de {money}.", "Meu nome é {p1.full} e moro em {city}.", "{p1.full}, nascido em {date.pt}, residente na {address}.", "A empresa {org#1} fica em {city}.", "Quem é {p1.full}?", "Ligue para {p1.full}: {phone}.", "Obrigado pela resposta.", "O pedido foi cancelado.", "Atenciosamente,\n{p1.full}\n{org}"],
    "others": ["Jag heter {p1.full} och bor i {city}.", "Hej {p1.given}, fakturan {id} är bifogad.", "Mit navn er {p1.full}, jeg bor i {city}.", "Jeg heter {p1.full}, adressen er {address}.", "Nimeni on {p1.full}, asun paikassa {city}.", "Nazywam się {p1.full}, mieszkam w {city}.", "{t:Pan} {p1.full}, zam. {address}.", "Jmenuji se {p1.full}, bydlím: {address}.", "A nevem {p1.full}, lakcímem: {address}.", "Mă numesc {p1.full} și locuiesc în {city}.", "Adım {p1.full}, {city} oturuyorum.", "Nama saya {p1.full}, alamat {address}.", "Tôi tên là {p1.full}, {city}.", "Moje ime je {p1.full}, {address}.", "Takk for hjelpen!", "Dziękuję za odpowiedź.", "Tack så mycket."],
}

TEMPLATES: list[tuple[str, float, list[str]]] = [
    ("foreign", 9, ["{@de}", "{@de} {@de}", "{@de}\n\n{@de} {@de}", "{@fr}", "{@fr} {@fr}", "{@es}", "{@es} {@es}", "{@es} {@es} {@es}", "{@it}", "{@it} {@it}", "{@nl}", "{@nl} {@nl}", "{@pt}", "{@pt} {@pt}", "{@others}", "{@others}"]),
]
