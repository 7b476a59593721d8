"""What fills the slots of the detector's templates: each filler gives text with its label."""
# ruff: noqa: E501

from __future__ import annotations

import random
from datetime import date, timedelta

from benchmarks.detector import places
from benchmarks.detector import templates_words as words
from benchmarks.detector.people import Person
from benchmarks.detector.templates import Cast, Segment

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_ZONES = ("", "", "", " UTC", " CET", " EST", " GMT", " PT")


def person(cast: Cast, who: Person, form: str) -> list[Segment]:
    """A person in one written form."""
    rng = cast.rng
    if form in ("full", "given", "family", "formal", "sorted"):
        return [(str(getattr(who, form)), "PERSON")]
    if form == "initials":
        return [(who.initialled(rng), "PERSON")]
    if form == "mr":
        name = rng.choice((who.family, who.family, who.full, who.initialled(rng)))
        return [(rng.choice(words.HONORIFICS), "TITLE"), (" ", None), (name, "PERSON")]
    if form == "user":
        return [(who.user(rng), None)]
    if form == "email":
        return [(mailbox(rng, who.user(rng)), "EMAIL")]
    if form == "lower":
        return [(who.any_form(rng).lower(), "PERSON")]
    if form == "upper":
        return [(who.full.upper(), "PERSON")]
    return [(who.any_form(rng), "PERSON")]


def mailbox(rng: random.Random, user: str) -> str:
    """An address at an invented domain."""
    return f"{user}@{domain(rng)}"


def domain(rng: random.Random) -> str:
    """An invented domain, or a provider's."""
    if rng.random() < 0.35:
        return rng.choice(("gmail.com", "outlook.com", "yahoo.com", "web.de", "gmx.net", "orange.fr", "icloud.com"))
    stem = rng.choice(words.BRANDS).split()[0].lower()
    return f"{stem}{rng.choice(('', '-group', 'corp', '-it'))}.{rng.choice(['com', 'com', 'org', 'net', 'de', 'co.uk', 'fr', 'io', 'eu', 'example', 'es', 'it'])}"


def organisation(cast: Cast, kind: str = "") -> str:
    """An invented organisation; `kind` is one of bank, uni, gov, club, paper, acr, brand, health, firm or empty."""
    rng = cast.rng
    kind = (
        kind
        or rng.choices(
            ("firm", "brand", "bank", "uni", "gov", "club", "paper", "acr", "health", "family", "assoc"),
            (22, 14, 7, 9, 8, 8, 7, 8, 5, 8, 6),
        )[0]
    )
    brand, trade, city = rng.choice(words.BRANDS), rng.choice(words.TRADES), places.city(rng)
    word = places.street_word(rng)
    ministry = rng.choice(words.GOVERNMENT)
    if kind == "brand":
        return rng.choice(
            (brand, brand, f"{brand} {trade}", brand + rng.choice(("ly", "ify", "soft", "tech", "AI", "Labs", "Net")))
        )
    forms: dict[str, tuple[str, ...]] = {
        "firm": (f"{brand} {trade} {rng.choice(words.FORMS)}", f"{brand} {rng.choice(words.FORMS)}", f"{word} {trade}",
                 f"{word} {rng.choice(words.FORMS)}", f"{brand} {trade}", f"{city} {trade} {rng.choice(words.FORMS)}"),
        "family": (f"{word} & Sons", f"{word} and Sons", f"{word} & {places.street_word(rng)}", f"{word} Brothers",
                   f"{word}, {places.street_word(rng)} & {places.street_word(rng)} LLP", f"{word} & Partners",
                   f"{word} & Daughters Ltd", f"Gebr. {word} OHG", f"{word} et Fils", f"{word} Hermanos S.L."),
        "bank": (f"{brand} Bank", f"Bank of {city}", f"{city} Savings Bank", f"Sparkasse {city}", f"Banco {word}",
                 f"{brand} Credit Union", f"First National Bank of {city}", f"Banque {word}", f"Volksbank {city}",
                 f"{brand} Insurance", f"{brand} Mutual", f"{city} Building Society"),
        "uni": (f"University of {city}", f"{city} University", f"{word} College", f"{city} Institute of Technology",
                f"Universität {city}", f"Université de {city}", f"Universidad de {city}", f"{word} High School",
                f"{city} Business School", f"St. {word}'s School", f"Technical University of {city}", f"{word} Academy"),
        "gov": (f"Ministry of {ministry}", f"Department of {ministry}", f"Department for {ministry}", f"{city} City Council",
                f"{city} Police Department", f"City of {city}", f"Federal Office for {ministry}", "Supreme Court",
                f"{city} District Court", f"Office of {ministry}", f"Amtsgericht {city}", "European Commission",
                "House of Commons", "Senate", "Court of Appeal", f"Finanzamt {city}", "Federal Reserve", "United Nations"),
        "paper": (f"The {city} {rng.choice(words.NEWSPAPERS)}", f"{city} {rng.choice(words.NEWSPAPERS)}",
                  f"The {rng.choice(words.NEWSPAPERS)}", f"{city} Radio", f"Channel {rng.randint(2, 12)} News"),
        "health": (f"{word} Hospital", f"{city} General Hospital", f"St. {word}'s Hospital", f"{word} Medical Center",
                   f"{city} Health Centre", f"{word} Dental Practice", f"Klinikum {city}", f"Hospital {word}",
                   f"{word} Pharmacy", f"{word} Clinic"),
        "assoc": (f"{city} Chamber of Commerce", f"{word} Foundation", f"{city} Red Cross", f"{word} Trust", f"{word} Museum",
                  f"National Association of {trade}", f"{trade} Workers Union", f"Friends of {city}", f"{city} Symphony Orchestra",
                  f"International {trade} Federation", f"{rng.choice(words.PEOPLES)} Football Association", f"The {word}s"),
        "club": (rng.choice(words.CLUBS).replace("{c}", city),),
        "acr": ("".join(rng.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(rng.choice((2, 3, 3, 3, 4, 4, 5)))),),
    }  # fmt: skip
    return rng.choice(forms[kind])


def location(rng: random.Random, kind: str = "") -> str:
    """A city, country, state, region or landmark."""
    kind = kind or rng.choices(("city", "country", "state", "region", "landmark", "county"), (45, 20, 10, 12, 10, 3))[0]
    if kind == "city":
        return places.city(rng)
    if kind == "country":
        return places.country(rng)
    if kind == "state":
        name, code = rng.choice(places.states())
        return code if rng.random() < 0.15 else name
    if kind == "region":
        return rng.choice(words.REGIONS)
    if kind == "county":
        return rng.choice(places.counties())
    return rng.choice(words.LANDMARKS).replace("{c}", places.city(rng)).replace("{w}", places.street_word(rng))


def day_of(rng: random.Random, born: bool = False) -> str:
    """A calendar day in one of many spellings."""
    moment = date(1930 if born else 1990, 1, 1) + timedelta(days=rng.randrange(365 * (75 if born else 40)))
    month, short, d, y = _MONTHS[moment.month - 1], _MONTHS[moment.month - 1][:3], moment.day, moment.year
    weekday = _DAYS[moment.weekday()]
    suffix = "th" if 10 < d < 14 else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
    forms = (
        f"{d} {month} {y}", f"{month} {d}, {y}", f"{d}{suffix} {month} {y}", f"{month} {d}{suffix}, {y}", f"{d} {short} {y}",
        f"{short} {d}, {y}", f"{moment:%d/%m/%Y}", f"{moment:%m/%d/%Y}", f"{moment:%d.%m.%Y}", f"{moment:%Y-%m-%d}",
        f"{moment:%d-%m-%Y}", f"{moment:%d.%m.%y}", f"{moment:%m/%d/%y}", f"{d}-{short}-{y}", f"{d}/{moment.month}/{y}",
        f"the {d}{suffix} of {month} {y}", f"{weekday}, {month} {d}, {y}", f"{weekday} {d} {month} {y}", f"{moment:%Y/%m/%d}",
        f"{moment:%Y%m%d}", f"{d}. {month} {y}", f"{weekday[:3]}, {d} {short} {y}", f"{moment.month}/{d}/{y}",
    )  # fmt: skip
    if born or rng.random() < 0.7:
        return rng.choice(forms)
    return rng.choice((f"{month} {d}", f"{d} {month}", f"{d}{suffix} {month}", f"{month} {d}{suffix}", f"{month} {y}", f"{short} {d}",
                       str(y), f"{weekday}, {month} {d}", f"{moment:%d/%m}", f"{weekday} the {d}{suffix}", f"{month}"))  # fmt: skip


_FOREIGN_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}


def day_in(rng: random.Random, language: str) -> str:
    """A calendar day as it is written in German, French, Spanish, Italian, Dutch or Portuguese."""
    month, d, y = rng.choice(_FOREIGN_MONTHS[language].split()), rng.randint(1, 28), rng.randint(1930, 2026)
    between = " de " if language in ("es", "pt") else " "
    dot = "." if language == "de" else ""
    numbers = f"{d:02d}{rng.choice('./-')}{rng.randint(1, 12):02d}{'.' if language == 'de' else '/'}{y}"
    forms = (f"{d}{dot}{between}{month}{between}{y}", f"{d}{dot}{between}{month}", numbers, f"{month}{between}{y}")
    return rng.choices(forms, (5, 1, 3, 1))[0]


def relative(rng: random.Random) -> str:
    """A day named from today."""
    n, weekday, month = rng.randint(2, 12), rng.choice(_DAYS), rng.choice(_MONTHS)
    return rng.choice((
        "today", "yesterday", "tomorrow", "last week", "next week", "last month", "next month", "this morning", "tonight",
        "last night", "this weekend", f"last {weekday}", f"next {weekday}", f"this {weekday}", weekday, weekday, weekday,
        f"{n} days ago", f"{n} weeks ago", f"{n} years ago", "a week ago", "two months ago", "last year", f"last {month}",
        f"in {n} days"[3:], f"early {month}", f"mid-{month}", f"{weekday} morning", f"{weekday} afternoon", f"{weekday} evening",
        "the weekend", "Christmas", "Easter", "New Year's Eve", "last summer", "spring 2021", f"Q{rng.randint(1, 4)} 2023",
        f"the {rng.choice(('1960s', '1980s', 'nineties', '70s'))}", weekday[:3], f"{weekday}s", "this year", "earlier today",
    ))  # fmt: skip


def clock(rng: random.Random) -> str:
    """A time of day."""
    hour, minute = rng.randint(0, 23), rng.choice((0, 15, 30, 45, rng.randint(0, 59)))
    twelve = hour % 12 or 12
    half = "AM" if hour < 12 else "PM"
    return rng.choice((
        f"{hour:02d}:{minute:02d}", f"{hour}:{minute:02d}", f"{twelve}:{minute:02d} {half}", f"{twelve}{half.lower()}",
        f"{twelve} {half.lower()}", f"{twelve}:{minute:02d}{half.lower()}", f"{twelve} o'clock", "noon", "midnight",
        f"{hour:02d}h{minute:02d}", f"{hour:02d}:{minute:02d}:{rng.randint(0, 59):02d}", f"{twelve}:{minute:02d} {half[0].lower()}.m.",
        f"{hour:02d}.{minute:02d} Uhr", f"{hour:02d}:{minute:02d}{rng.choice(_ZONES)}",
    ))  # fmt: skip


def stamp(rng: random.Random) -> str:
    """Day and time together."""
    moment = date(2015, 1, 1) + timedelta(days=rng.randrange(4000))
    h, m, s = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    return rng.choice((
        f"{moment:%Y-%m-%d} {h:02d}:{m:02d}:{s:02d}", f"{moment:%Y-%m-%d}T{h:02d}:{m:02d}:{s:02d}Z",
        f"{moment:%a, %d %b %Y} {h:02d}:{m:02d}:{s:02d} +0{rng.randint(0, 3)}00", f"{moment:%d %b %Y}, {h:02d}:{m:02d}",
        f"{moment:%A, %B %d, %Y} {h % 12 or 12}:{m:02d} {'AM' if h < 12 else 'PM'}", f"{moment:%m/%d/%Y} {h:02d}:{m:02d}",
        f"{moment:%a, %b %d, %Y} at {h % 12 or 12}:{m:02d} {'AM' if h < 12 else 'PM'}", f"{moment:%d.%m.%Y} um {h:02d}:{m:02d}",
        f"{moment:%d.%m.%Y %H}:{m:02d}",
    ))  # fmt: skip


def duration(rng: random.Random) -> str:
    """A length of time."""
    unit = rng.choice(("days", "weeks", "months", "years", "hours", "minutes", "working days", "business days"))
    return f"{rng.choice((str(rng.randint(2, 90)), 'two', 'three', 'six', 'ten', 'twelve', 'several', 'a few'))} {unit}"


def phone(rng: random.Random) -> str:
    """A telephone number of one of the usual layouts; none is checked against a numbering plan."""
    return places.fill_code(rng, rng.choice((
        "+1 ###-###-####", "(###) ###-####", "###-###-####", "###.###.####", "+44 7### ######", "07### ######", "020 #### ####",
        "+49 17# #######", "0## / ### ## ##", "+49 (0)89 ######", "+33 6 ## ## ## ##", "06 ## ## ## ##", "+34 6## ### ###",
        "9## ## ## ##", "+39 3## ### ####", "+31 6 ########", "+48 ### ### ###", "+91 9#### #####", "+61 4## ### ###",
        "+46 70-### ## ##", "+55 11 9####-####", "+81 90-####-####", "+86 1## #### ####", "+971 50 ### ####", "##########",
        "1-800-###-####", "+1##########", "0### #######", "###-####", "+41 79 ### ## ##", "+90 5## ### ## ##", "ext. ####",
    )))  # fmt: skip


def code(rng: random.Random, kind: str = "") -> str:
    """An identifying code; `kind` is bank, card, gov, med, car, short or empty for an account, order or case number."""
    patterns = {
        "bank": ("DE## #### #### #### #### ##", "GB##@@@@##############", "FR## #### #### #### #### #### ###", "ES######################",
                 "NL##@@@@##########", "##-##-##", "########", "#########", "IT##@##########????????????", "CH## #### #### #### #### #"),
        "card": ("4### #### #### ####", "5###-####-####-####", "4###############", "3### ###### #####"),
        "gov": ("###-##-####", "@@######@", "@########", "########@", "###.###.###-##", "##.###.###-#", "##########", "@@ ## ## ## @",
                "@##@####?", "@@#######", "######-####", "####-####-####", "#-####-#####-##-#", "DL-########", "X#######@"),
        "med": ("MRN ########", "########", "MRN-######", "NHS ### ### ####", "###-###-####", "H######", "@@@##########", "#@@#-@@#-@@##"),
        "car": ("@@## @@@", "@@-###-@@", "@-@@ ####", "###-@@@", "1HGCM#####@######", "WVWZZZ1JZ#@######", "@@@-####", "@@ ## @@ ####"),
        "short": ("######", "@-#####", "#####", "@@-####"),
        "": ("ORD-######", "#####-######", "INV-20##-####", "@@######", "AC########", "C-######", "#######", "########", "@@@-####-##",
             "##/####", "CASE-#####", "TKT######", "REF: ######"[5:], "@@##-####", "??????????", "PO-#####", "EMP####", "K-######-@",
             "CUST_#####", "#@##-@#@#", "####-##-####", "POL-########", "INC#######", "##-###/##", "@######", "20##/####", "????-????-????"),
    }  # fmt: skip
    return places.fill_code(rng, rng.choice(patterns[kind]))


def money(rng: random.Random) -> str:
    """An amount of money."""
    whole = rng.choice((rng.randint(1, 99), rng.randint(100, 9999), rng.randint(10000, 900000)))
    cents = rng.randint(0, 99)
    return rng.choice((
        f"${whole:,}.{cents:02d}", f"${whole}", f"€{whole:,}", f"£{whole:,}.{cents:02d}", f"{whole} EUR", f"{whole},{cents:02d} €",
        f"EUR {whole:,}.{cents:02d}", f"USD {whole:,}", f"{whole} dollars", f"{whole} euros", f"CHF {whole}.00", f"{whole} zł",
        f"₹{whole:,}", f"{whole:,} yen", f"{rng.randint(2, 90)} million dollars", f"${rng.randint(1, 9)}.{rng.randint(1, 9)} billion",
        f"{whole} kr", f"£{rng.randint(1, 90)}k", f"R$ {whole}", f"{whole} pounds",
    ))  # fmt: skip


def quantity(rng: random.Random) -> str:
    """A measured amount."""
    n = rng.choice((str(rng.randint(2, 500)), f"{rng.randint(1, 99)}.{rng.randint(1, 9)}"))
    unit = rng.choice(("kg", "km", "miles", "cm", "litres", "mg", "mg/dL", "GB", "hectares", "square metres", "tonnes", "m", "ml", "°C",
                       "percent", "%", "kilometres", "feet", "inches", "pounds", "MB", "kWh", "mmHg", "bpm", "units"))  # fmt: skip
    return f"{n}{'' if unit in '%' else ' '}{unit}"


def network(rng: random.Random) -> str:
    """An IP address."""
    if rng.random() < 0.85:
        return ".".join(str(rng.randint(1, 254)) for _ in range(4))
    return ":".join(f"{rng.randint(0, 65535):x}" for _ in range(8))


def url(rng: random.Random) -> str:
    """A web address."""
    path = rng.choice(
        ("", "/", "/help", "/login", f"/orders/{rng.randint(100, 99999)}", "/docs/setup.html", "/en/about")
    )
    return f"{rng.choice(('https://', 'http://', 'https://www.', 'www.', ''))}{domain(rng)}{path}"
