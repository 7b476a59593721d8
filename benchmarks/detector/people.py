"""Invented people for the detector's training texts: names of many cultures, and how they are written.

A tenth of all names, chosen by a hash of the word, is reserved: by default it never appears, so that names the
detector has not seen can be measured with ``held_out=True``.
"""
# ruff: noqa: E501, ISC004

from __future__ import annotations

import hashlib
import importlib
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ragkit.folding import fold
from ragkit.wordlists import pool

# Faker locales with names in Latin script, and how often each is drawn.
LOCALES = {
    "en_US": 20, "en_GB": 12, "en_IN": 6, "en_NZ": 3, "en_IE": 3, "en_KE": 2, "en_NG": 2, "en_PK": 2, "en_TH": 1,
    "de_DE": 5, "de_AT": 2, "de_CH": 1, "fr_FR": 4, "fr_CA": 1, "fr_DZ": 2, "es_ES": 4, "es_MX": 3, "es_CO": 2,
    "es_AR": 1, "it_IT": 4, "nl_NL": 3, "nl_BE": 1, "pt_BR": 3, "pt_PT": 2, "sv_SE": 2, "no_NO": 2, "da_DK": 2,
    "fi_FI": 2, "pl_PL": 3, "cs_CZ": 2, "sk_SK": 1, "hu_HU": 2, "ro_RO": 2, "hr_HR": 1, "sl_SI": 1, "tr_TR": 3,
    "vi_VN": 2, "id_ID": 2, "et_EE": 1, "lt_LT": 1, "lv_LV": 1, "ga_IE": 1, "zu_ZA": 1, "yo_NG": 1, "sw": 1,
    "ka_GE": 1, "az_AZ": 1,
}  # fmt: skip

# Romanised names of scripts Faker does not write in Latin letters; common words of each language, written by hand.
ROMANISED = {
    "ja": ("Haruto Yuto Sota Yuki Hayato Haruki Ryo Takumi Kenji Hiroshi Takeshi Satoshi Akira Daisuke Kazuki Naoki "
           "Sakura Yui Aoi Hina Misaki Ayumi Keiko Yoko Naomi Haruka Mai Emi Kumiko Tomoko Akiko Michiko Rin Mio",
           "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki "
           "Yamaguchi Matsumoto Inoue Kimura Hayashi Shimizu Saito Mori Abe Ikeda Hashimoto Ishikawa Ogawa Okada "
           "Fujita Goto Hasegawa Murakami Kondo Ishii Sakamoto Endo Aoki Fujii Nishimura Fukuda Ota Miura"),
    "zh": ("Wei Fang Min Jing Li Qiang Lei Jun Yang Yong Yan Jie Juan Tao Ming Chao Xiuying Xia Ping Gang Guiying "
           "Haoran Yuxuan Zihan Xinyi Jiahao Meiling Xiaoming Xiaoli Zhiwei Jianguo Lihua Hui Ying Yifan Ruoxi",
           "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie Tang "
           "Song Deng Feng Han Cao Peng Zeng Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su Lu Ding Chan Wong"),
    "ko": ("Min-jun Seo-yeon Ji-woo Ha-eun Do-yun Ji-hoon Hyun-woo Soo-jin Eun-ji Yu-na Jae-hyun Sung-min Young-ho "
           "Mi-kyung Hye-jin Jin-woo Seung-hyun Da-eun Jihye Minseok Sujin Taeyang Hana Joon Kyung-soo Eun-woo",
           "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song Yoo Hong Jeon Ko Moon "
           "Son Yang Bae Baek Heo Nam Noh Ryu"),
    "ar": ("Mohammed Ahmed Ali Omar Hassan Hussein Khalid Youssef Ibrahim Mahmoud Mustafa Abdullah Abdulrahman Tariq "
           "Faisal Karim Rashid Samir Nabil Walid Fatima Aisha Layla Noor Zainab Maryam Huda Rania Salma Amina Yasmin "
           "Khadija Dina Hala Lina Reem Nadia Samira Bilal Hamza Jamal",
           "Al-Farsi Al-Sayed El-Masry Haddad Khoury Mansour Nasser Saleh Hamdan Al-Rashid Abdallah Bakr Aziz Darwish "
           "Farouk Ghanem Halabi Ismail Jaber Kassem Labib Mahfouz Najjar Othman Qasim Rahman Shami Tawfik Younis "
           "Zaki Al-Hashimi El-Amin Benali Boukhari Bensalem Sabbagh Hariri Shaheen Awad"),
    "ru": ("Alexander Dmitry Sergei Andrei Alexei Maxim Ivan Mikhail Nikolai Vladimir Evgeny Pavel Oleg Igor Yuri Anton "
           "Roman Viktor Anastasia Ekaterina Olga Natalia Tatiana Elena Irina Svetlana Yulia Daria Ksenia Polina "
           "Oksana Bohdan Taras Oleksandr Volodymyr Kateryna Nadiya Iryna Lyudmila Galina",
           "Ivanov Petrov Sidorov Smirnov Kuznetsov Popov Vasiliev Sokolov Mikhailov Novikov Fedorov Morozov Volkov "
           "Alekseev Lebedev Semenov Egorov Pavlov Kozlov Stepanov Orlov Makarov Zakharov Ivanova Petrova Smirnova "
           "Kuznetsova Popova Sokolova Shevchenko Kovalenko Bondarenko Tkachenko Kravchenko Oliynyk Koval Melnyk "
           "Savchenko Rudenko Lysenko Hrytsenko Dzhugov Gagarina Tereshchenko"),
    "hi": ("Aarav Vivaan Aditya Arjun Rohan Rahul Amit Sanjay Vijay Rajesh Suresh Ramesh Anil Sunil Deepak Manish Nikhil "
           "Priya Ananya Diya Pooja Neha Kavita Sunita Anjali Meera Lakshmi Radha Shreya Divya Swati Ritu Harpreet "
           "Gurpreet Manpreet Jaspreet Karthik Venkatesh Srinivas Padma",
           "Sharma Verma Gupta Singh Kumar Patel Shah Mehta Reddy Rao Nair Iyer Iyengar Menon Pillai Joshi Desai "
           "Kulkarni Deshpande Chatterjee Mukherjee Banerjee Bose Das Ghosh Sen Kapoor Khanna Malhotra Chopra Bhatia "
           "Agarwal Mishra Pandey Tiwari Yadav Chauhan Krishnamurthy Subramanian Venkataraman Gill Dhillon"),
    "fa": ("Reza Hossein Mehdi Amir Arash Kourosh Dariush Babak Farhad Kaveh Navid Omid Siavash Zahra Maryam Sara Leila "
           "Shirin Parisa Nasrin Mahsa Roya Azadeh Niloufar Setareh Golnaz Bahar Ladan",
           "Ahmadi Hosseini Mohammadi Karimi Rezaei Moradi Jafari Rahimi Hashemi Kazemi Ghorbani Sadeghi Bagheri "
           "Tehrani Shirazi Esfahani Farahani Rostami Akbari Nazari Zand Pahlavan Golshiri Daneshvar"),
    "el": ("Georgios Dimitris Konstantinos Nikos Yannis Panagiotis Vasilis Christos Maria Eleni Katerina Sofia "
           "Vasiliki Angeliki Ioanna Despina",
           "Papadopoulos Pappas Nikolaidis Georgiou Ioannou Christodoulou Karagiannis Vlachos Economou "
           "Papadaki Antoniou Dimitriou Alexiou Stavrou Katsaros"),
    "he": ("Avi Moshe Yosef David Yaakov Shlomo Eitan Noam Ariel Tamar Noa Shira Yael Michal Rivka Miriam Talia Chana",
           "Cohen Levi Mizrahi Peretz Biton Dahan Avraham Friedman Katz Shapira Azoulay Ben-David Bar-Lev Golan Shalev"),
    # Everyday words that are also names, so that only the sentence tells which is meant.
    "words": ("Will Mark Grace May April June Rose Hope Faith Bill Art Rob Sue Pat Jack Frank Ernest Max Guy Victor Dean "
              "Drew Grant Chase Hunter Mason Miles Reed Rich Ray Penny Ruby Amber Olive Ivy Heather Holly Summer Autumn "
              "Dawn Eve Joy Charity Christian Jordan Paris Chelsea Brooklyn Austin Dallas Georgia Sydney Florence India "
              "Virginia Carolina Israel Lincoln Jasmine Daisy Lily Basil Rosemary Ginger Angel Jade Crystal Melody Harmony "
              "Iris Pearl Sandy Rusty Gene Dale Glen Cliff Lance Don Peg Bob Rod Nick Chuck Wade Clay Forest Robin Jay Drake",
              "Baker Cook King Bishop Banks Park Young Long Short Brown White Black Green Gray Rice Bush Stone Wood Woods "
              "Field Hill Lake Rivers Snow Frost Winter May Day Price Sales Cash Bond Best Love Strong Wise Major Judge Law "
              "Page Case Bell Ball Church Temple Cross London France Holland Ireland England English French German Welsh "
              "Norman West North Street Miller Carpenter Mason Potter Weaver Fisher Hunter Marsh Pond Brooks Waters Moss "
              "Reed Rose Berry Bean Pepper Lamb Fox Wolf Swan Finch Crane Hawk Drake Sharp Swift Noble Savage Power Gold"),
}  # fmt: skip

PARTICLES = {
    "nl_NL": ("van", "van de", "van der", "van den", "de", "ter"), "nl_BE": ("Van", "Van den", "De", "Vander"),
    "de_DE": ("von", "von der", "zu"), "fr_FR": ("de", "du", "de la", "d'", "Le"), "pt_BR": ("da", "dos", "de", "do"),
    "pt_PT": ("da", "dos", "de"), "it_IT": ("Di", "De", "D'", "Della", "Lo"), "es_ES": ("de", "de la", "del"),
    "en_IE": ("O'", "Mc", "Mac"), "en_US": ("Mc", "O'", "St. ", "De", "Van"), "en_GB": ("Mac", "Fitz", "O'"),
    "ar": ("bin", "ibn", "al-", "Abu"),
}  # fmt: skip
NICKNAMES = [
    "Bob",
    "Bill",
    "Jack",
    "Chip",
    "Buddy",
    "Ace",
    "Doc",
    "Skip",
    "Sunny",
    "Red",
    "Tex",
    "Mac",
    "Kit",
    "Jojo",
    "Nico",
    "Lulu",
    "Didi",
    "Manu",
    "Pepe",
    "Paco",
    "Sasha",
    "Misha",
    "Beppe",
    "Tito",
    "Kiki",
    "Ziggy",
    "Duke",
    "Rocky",
    "Butch",
    "Dolly",
    "Trixie",
    "Fitz",
    "Hal",
    "Hank",
    "Gus",
]
SUFFIXES = ("Jr.", "Sr.", "III", "II", "IV", "Jr", "Sr")
# Parts of names that every culture shares; they are never reserved.
FREE = frozenset(fold(word) for word in re.findall(r"[^\W\d_]+", " ".join((
    *NICKNAMES, *SUFFIXES, *(p for group in PARTICLES.values() for p in group)))))  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{2,}")


@cache
def reserved(word: str) -> bool:
    """Whether a name is kept out of training: one in ten, by a hash of its folded letters."""
    return hashlib.sha256(fold(word).encode()).digest()[0] % 10 == 0


def words_of(name: str) -> list[str]:
    """The words of two letters and more in a name, as `reserved` judges them; without particles and nicknames."""
    return [word for word in _WORD.findall(name) if fold(word) not in FREE]


def _fits(name: str, held_out: bool) -> bool:
    words = words_of(name)
    return bool(words) and all(reserved(word) is held_out for word in words)


@dataclass(frozen=True, slots=True)
class Names:
    """Given and family names of one culture, already without (or, held out, only with) the reserved ones."""

    given: tuple[str, ...]
    family: tuple[str, ...]


def _attribute(provider: object, *prefixes: str) -> Iterable[str]:
    for attribute in dir(provider):
        if attribute.startswith(prefixes) and attribute.endswith(("names", "_male", "_female", "_unisex", "_rus")):
            value = getattr(provider, attribute)
            if isinstance(value, (tuple, list, dict, set, frozenset)):
                yield from (item for item in value if isinstance(item, str))


def _usable(names: Iterable[str], held_out: bool) -> tuple[str, ...]:
    clean = {name.strip() for name in names}
    return tuple(sorted(name for name in clean if name[:1].isupper() and 1 < len(name) < 24 and _fits(name, held_out)))


@cache
def names(locale: str, held_out: bool) -> Names:
    """The names of a locale (``pool`` mixes all of Faker's); with `held_out` only the reserved ones."""
    if locale == "pool":
        return Names(_usable(pool("given"), held_out), _usable(pool("family"), held_out))
    if locale in ROMANISED:
        given, family = ROMANISED[locale]
        return Names(_usable(given.split(), held_out), _usable(family.split(), held_out))
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    given_names = list(_attribute(provider, "first_name"))
    family_names = list(_attribute(provider, "last_name", "male_last", "unisex_last"))
    return Names(_usable(given_names, held_out), _usable(family_names, held_out))


_KINDS = [*LOCALES, *ROMANISED, "pool"]
_WEIGHTS = [*LOCALES.values(), *(4 for _ in ROMANISED), 25]


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person; each method gives one way to write the name, without title or possessive."""

    given: str
    middle: str
    family: str
    locale: str

    @property
    def full(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    @property
    def formal(self) -> str:
        """With the middle name."""
        return f"{self.given} {self.middle} {self.family}"

    @property
    def sorted(self) -> str:
        """Family name first, after a comma."""
        return f"{self.family}, {self.given}"

    def initialled(self, rng: random.Random) -> str:
        """With one or two initials."""
        first, second = self.given[0], self.middle[0]
        forms = (
            f"{first}. {self.family}", f"{first}. {second}. {self.family}", f"{first}.{second}. {self.family}",
            f"{self.given} {second}. {self.family}", f"{first} {self.family}", f"{self.given} {self.family[0]}.",
            f"{self.family} {first}.", f"{self.family}, {first}.", f"{first}. {self.middle} {self.family}",
        )  # fmt: skip
        return rng.choice(forms)

    def any_form(self, rng: random.Random) -> str:
        """One of the forms, the plain ones most often."""
        roll = rng.random()
        if roll < 0.55:
            return self.full
        if roll < 0.68:
            return self.given
        if roll < 0.74:
            return self.family
        if roll < 0.80:
            return self.formal
        if roll < 0.90:
            return self.initialled(rng)
        if roll < 0.92:
            left, right = rng.choice(("“”", '""', "''", "()"))
            return f"{self.given} {left}{rng.choice(NICKNAMES)}{right} {self.family}"
        if roll < 0.94:
            return f"{rng.choice((self.full, self.full, self.initialled(rng)))}{rng.choice((', ', ' '))}{rng.choice(SUFFIXES)}"
        return self.sorted if roll < 0.97 else f"{self.family} {self.given}"

    def user(self, rng: random.Random) -> str:
        """A user name, in lower-case ASCII; also the local part of an address."""
        given, family = (re.sub(r"[^a-z]", "", fold(part)) or "x" for part in (self.given, self.family))
        number = str(rng.randint(1, 99))
        forms = (f"{given}.{family}", f"{given[0]}{family}", f"{given}{number}", f"{given}_{family}", f"{family}{given[0]}",
                 f"{given[0]}.{family}", f"{given}{family[0]}{number}", given, f"{family}.{given}")  # fmt: skip
        return rng.choice(forms)


def _family(rng: random.Random, stock: Names, locale: str) -> str:
    family = rng.choice(stock.family)
    roll = rng.random()
    particles = PARTICLES.get(locale, ())
    if particles and roll < 0.18 and " " not in family:
        particle = rng.choice(particles)
        if particle in ("Mc", "Mac", "Fitz", "Mc ") or particle.endswith(("'", "-", " ")):
            joined = f"{particle}{family}"
        else:
            joined = f"{particle} {family}"
        return joined
    if roll > 0.93 or (locale.startswith(("es_", "pt_")) and roll > 0.6):
        return f"{family}{' ' if locale.startswith(('es_', 'pt_')) else '-'}{rng.choice(stock.family)}"
    return family


def invent(rng: random.Random, held_out: bool = False) -> Person:
    """Draw a person; with `held_out` every given and family name is a reserved one."""
    while True:
        locale = rng.choices(_KINDS, _WEIGHTS)[0]
        stock = names(locale, held_out)
        if len(stock.given) < 3 or len(stock.family) < 2:
            continue
        given = rng.choice(stock.given)
        if rng.random() < 0.04:
            given = f"{given}-{rng.choice(stock.given)}"
        person = Person(given, rng.choice(stock.given), _family(rng, stock, locale), locale)
        if held_out or not any(reserved(word) for word in words_of(person.full)):
            return person
