"""The built-in topics that a person is to deal with: regular expressions over plain text, by topic.

Plain text is :func:`ragkit.helpdesk.topics.plain`: lower case, no accents, no marks, words one blank apart.
"""

# ruff: noqa: E501, ISC004 (a pattern reads better in one piece than cut by the width of a line)

from __future__ import annotations

from collections.abc import Mapping, Sequence

PERSON = "person"
"""Somebody asks for a person."""

URGENT = ("self-harm", "safety", "medical")
"""Looked for before all others."""

_PEOPLE = (
    "(?:human(?: being)?|real (?:person|human)|person|agent|advisor|adviser|representative|rep|operator|employee|"
    "member of staff|somebody|someone|colleague|supervisor|manager|customer (?:care|service|support)(?: agent)?)"
)
_TALK = "(?:talk|speak|chat|connect(?: me)?|transfer me|put me through|hand me over|pass me|get me)"
_WANT = "(?:i (?:want|wish|need|would like|d like|am going|have decided) to|i ll|i will|let me|i am|we want to)"

BUILT_IN: Mapping[str, Sequence[str]] = {
    PERSON: (
        rf"{_TALK}(?: \w+)? (?:to|with) (?:an? |the |your |one of your )?(?:live |actual |real )?{_PEOPLE}",
        r"(?:want|need|give me|get me) (?:an? )?(?:live |actual |real )?(?:human|real person|live agent|agent)(?: please| now| here)?$",
        r"(?:human|real person|live agent|agent)(?: please| now)",
        r"(?:call|ring|phone) me (?:back|please|on|at|under|tomorrow|today)\b",
        r"(?:mit|an) (?:einem|einer|ihrem|jemandem|eine|einen) ?(?:echten |richtigen )?"
        r"(?:menschen|person|mitarbeiter|mitarbeiterin|berater|beraterin|kollegen|kollegin)? ?"
        r"(?:sprechen|reden|verbinden|chatten|weiterleiten)",
        r"verbind(?:en sie|e) mich (?:bitte )?mit (?:jemandem|ihrem|einem|einer) ?"
        r"(?:echten |richtigen )?(?:menschen|person|mitarbeiter|mitarbeiterin|berater|beraterin)?$",
        r"(?:will|mochte|muss|kann ich|konnte ich|wurde gern\w*) (?:bitte |gern\w* )?(?:einen|eine|mit dem|mit ihrem) "
        r"(?:echten |richtigen |echte |richtige )?"
        r"(?:menschen|person|mitarbeiter|mitarbeiterin|berater|beraterin|kundenservice|kundendienst) "
        r"(?:sprechen|reden|verbunden)",
        r"(?:mensch|mitarbeiter) bitte",
        r"rufen sie mich (?:bitte )?(?:an|zuruck)|(?:konnen|konnten) sie mich (?:bitte )?zuruckrufen",
        r"parler (?:a|avec) (?:une?|quelqu|votre) ?(?:vraie? |autre )?"
        r"(?:un|personne|conseiller|conseillere|humain|agent|collegue|responsable)",
        r"(?:rappelez|appelez) moi",
    ),
    "complaint": (
        rf"{_WANT} (?:make|file|lodge|raise|register|submit|escalate)? ?(?:an? |this |my )?(?:formal |official )?complain(?:t)?",
        r"(?:this|here) is (?:a|my) (?:formal |official )?complaint",
        r"i am (?:making|filing|lodging) a (?:formal )?complaint",
        r"(?:ich (?:mochte|will|werde)(?: mich| eine)?|hiermit) ?(?:formlich |offiziell )?(?:beschwer\w+|reklamieren)",
        r"je (?:veux|souhaite|voudrais|tiens a) (?:faire une reclamation|porter plainte|deposer une plainte|me plaindre)",
    ),
    "legal": (
        r"my (?:lawyer|solicitor|attorney|barrister)",
        r"(?:take|taking|see) you (?:to|in) court",
        r"(?:sue|suing) (?:you|your company)",
        r"(?:take|taking|threaten\w*|start|consider\w*) legal (?:action|steps|proceedings)",
        r"small claims court",
        r"(?:mein|meinen|meinem) (?:anwalt|rechtsanwalt)|meine anwaltin",
        r"(?:rechtliche schritte|gerichtlich vorgehen|sie verklagen|verklage sie)",
        r"mon avocat|vous poursuivre en justice|action en justice",
    ),
    "medical": (
        r"(?:had|have|having|got|getting|suffered|suffering|causing) (?:an? |some |bad |severe |strong )*"
        r"(?:allergic reaction|rash|burns? on|chest pains?|breathing problems|side effects?|blisters)",
        r"(?:swallowed|inhaled|choked on|choking on)",
        r"(?:i|we|he|she|my \w+) (?:was|were|got|is|has been|have been) (?:badly |seriously )?(?:hurt|injured|burned|burnt|poisoned)\b",
        r"(?:burned|burnt|cut|injured|scalded) (?:my|his|her|their) (?:hand|arm|face|leg|skin|eye|finger|foot|back)\w*",
        r"(?:had|having) an accident with",
        r"(?:verschluckt|eingeatmet|allergische reaktion|verletzt (?:worden|habe)|verbrannt habe|mich verbrannt|mich verletzt)",
        r"(?:avale|reaction allergique|me suis (?:brule|blesse))",
    ),
    "safety": (
        r"(?:smell|smells of|smelling) (?:of )?gas\b",
        r"gas leak|leaking gas|carbon monoxide",
        r"(?:caught|catches|is on|went up in) (?:fire|flames)",
        r"(?:has |just )?(?:exploded|blew up|is sparking|sparked|is smoking(?! (?:allowed|permitted)))\b",
        r"electric shock|electrocuted",
        r"(?:riecht|stinkt) nach gas|gasgeruch|brennt es|in brand geraten|explodiert|stromschlag|kohlenmonoxid",
        r"(?:odeur|fuite) de gaz|pris feu|a explose|electrocute",
    ),
    "self-harm": (
        r"(?:kill|hurt|harm|cut) myself",
        r"suicid\w*|end (?:my|it) (?:life|all)|want to die|don t want to live|self harm",
        r"(?:mich umbringen|mir etwas antun|nicht mehr leben|selbstmord|suizid)",
        r"(?:me suicider|me tuer|envie de mourir|en finir avec la vie)",
    ),
    "fraud": (
        r"(?:i was|i have been|i ve been|been|got|am being) (?:scammed|defrauded|hacked|phished)",
        r"(?:unauthori[sz]ed|fraudulent) (?:charges?|payments?|transactions?|orders?|access|purchases?)",
        r"(?:someone|somebody|a stranger) (?:else )?(?:has |is |was )?(?:used|using|stole|stolen|hacked|logged into|accessed|ordered \w+ with) "
        r"(?:my|our) (?:card|account|identity|details|name|password)",
        r"(?:stolen|lost) (?:my )?(?:credit |debit |bank )?card\b|my account (?:was|has been|is|got) hacked|identity theft",
        r"betrogen worden|(?:karte|konto|identitat) (?:wurde |ist )?(?:gestohlen|gehackt|missbraucht)",
        r"(?:carte|compte|identite) (?:a ete |est )?(?:volee?|piratee?|usurpee?)|(?:victime|ete) d une? (?:arnaque|escroquerie|fraude)",
    ),
    "press": (
        r"i (?:am|m) (?:a |an )?(?:\w+ )?(?:journalist|reporter|editor)\b",
        r"(?:press|media) (?:enquiry|inquiry|request|office)|(?:request for|on the record|official) (?:a )?comment for (?:an|our|my|the) (?:article|story|paper)",
        r"ich bin (?:eine? )?(?:journalist|journalistin|redakteur|redakteurin)|presseanfrage",
        r"je suis (?:une? )?journaliste|demande presse",
    ),
    "data-protection": (
        r"(?:delete|erase|remove|destroy) (?:all |any )?(?:of )?my (?:personal |customer |private )?(?:data|information|details|records?)",
        r"(?:what|which|all|any|a copy of)(?: the)?(?: personal)? (?:data|information)(?: that)? (?:do )?you "
        r"(?:have|hold|store|keep|collected?) (?:about|on|of) me\b",
        r"(?:subject access|data access|data protection|gdpr|erasure) request",
        r"(?:access|exercise|use) my (?:right|rights|personal data)|right to be forgotten",
        r"(?:losch\w+|entfern\w+) (?:sie )?(?:bitte )?(?:alle )?meine (?:personlichen |personenbezogenen )?daten",
        r"welche daten (?:haben|speichern) sie (?:uber|von) mi(?:ch|r)|dsgvo anfrage|auskunft nach (?:art|dsgvo)\w*",
        r"(?:supprim\w+|effac\w+) (?:toutes )?mes donnees|quelles donnees (?:avez|detenez|conservez) vous sur moi|demande rgpd",
    ),
    "upset": (
        r"(?:this|that|it|you|your \w+) (?:is|are|re|s) (?:just |really |absolutely |completely |totally |so |an? )*"
        r"(?:ridiculous|unacceptable|a joke|disgraceful|outrageous|disgusting|pathetic|a disgrace|useless|rubbish|a scam)\b",
        r"(?:worst|terrible|awful|appalling|horrible|shocking) (?:customer )?(?:service|company|shop|support|experience)",
        r"(?:fed up|sick and tired|sick of|had enough)\b",
        r"(?:stupid|useless|dumb|bloody|damn) (?:bot|chatbot|machine|robot|thing|ai)",
        r"(?:fuck\w*|bullshit|wtf|go to hell)",
        r"(?:unverschamt\w*|frechheit|saftladen|bloder? bot|verarsch\w*|scheiss\w*|eine zumutung)",
        r"(?:inadmissible|inacceptable|scandaleux|honteux|vous vous moquez de moi|ras le bol|bot stupide|merde)\b",
    ),
}
"""Regular expressions by topic, in the order in which they are looked for."""
