"""What the assistant says besides answers, in the language of the collection: English, German or French."""

from __future__ import annotations

from collections.abc import Mapping

_ENGLISH: Mapping[str, str] = {
    "hello": "Hello! What would you like to know?",
    "thanks": "You are welcome. Is there anything else?",
    "bye": "Goodbye, and thank you for writing.",
    "ok": "All right. Is there anything else?",
    "who": "I am an AI assistant. I answer from our documents and show where each answer comes from. You can ask for a "
    "person at any time.",
    "human": "No, I am an AI assistant, not a person. If you would rather talk to a person, say so and I will pass "
    "this conversation on.",
    "refusal": "I did not find an answer to this in our documents. You could ask it in other words, or talk to a "
    "person.",
    "which": "Which of these do you mean?",
    "who-is-meant": "Several people fit what you wrote. Whom do you mean? A full name, an e-mail address or an order "
    "number helps.",
    "person": "Talk to a person",
    "handoff": "I am passing this conversation to a person, who will see what you asked and what I answered. They will "
    "write here. You can leave a telephone number or an e-mail address if you would rather be reached there.",
    "handoff.no-answer": "I could not answer your last questions, so I am passing this conversation to a person, who "
    "will see what you asked. They will write here. You can leave a telephone number or an e-mail address.",
    "handoff.self-harm": "I am an AI system and cannot help as you deserve. If you might hurt yourself or are in "
    "danger, call the emergency number now: 112 in Europe, 999 in the United Kingdom, 911 in North America. I am "
    "passing this conversation to a person.",
    "handoff.safety": "If there is a fire, a smell of gas or anybody is hurt: leave the place and call the emergency "
    "number (112 in Europe, 999 in the United Kingdom, 911 in North America). Stop using the article. I am passing "
    "this conversation to a person now.",
    "handoff.medical": "If anybody is hurt or unwell, get medical help first; in an emergency call 112, 999 in the "
    "United Kingdom or 911 in North America. Stop using the article. I am passing this conversation to a person now.",
    "already": "This conversation is with our team already; somebody will write here.",
    "contact": "Thank you. We will use it to reach you about this conversation.",
    "taken": "A person from our team has joined the conversation.",
    "returned": "The person has left the conversation. The AI assistant answers again.",
    "closed": "This conversation is closed. You can begin another at any time.",
}
_GERMAN: Mapping[str, str] = {
    "hello": "Guten Tag! Was möchten Sie wissen?",
    "thanks": "Gern geschehen. Kann ich noch etwas für Sie tun?",
    "bye": "Auf Wiedersehen und vielen Dank für Ihre Nachricht.",
    "ok": "Gut. Kann ich noch etwas für Sie tun?",
    "who": "Ich bin ein KI-Assistent. Ich antworte aus unseren Dokumenten und zeige, woher jede Antwort kommt. Sie "
    "können jederzeit nach einem Menschen fragen.",
    "human": "Nein, ich bin ein KI-Assistent und kein Mensch. Wenn Sie lieber mit einem Menschen sprechen möchten, "
    "sagen Sie es, dann gebe ich das Gespräch weiter.",
    "refusal": "Dazu habe ich in unseren Dokumenten keine Antwort gefunden. Fragen Sie gern mit anderen Worten, oder "
    "sprechen Sie mit einem Menschen.",
    "which": "Welches davon meinen Sie?",
    "who-is-meant": "Was Sie schreiben, passt auf mehrere Personen. Wen meinen Sie? Ein voller Name, eine "
    "E-Mail-Adresse oder eine Bestellnummer hilft.",
    "person": "Mit einem Menschen sprechen",
    "handoff": "Ich gebe dieses Gespräch an einen Menschen weiter, der sieht, was Sie gefragt haben und was ich "
    "geantwortet habe. Die Antwort kommt hier. Sie können auch eine Telefonnummer oder E-Mail-Adresse hinterlassen.",
    "handoff.no-answer": "Ihre letzten Fragen konnte ich nicht beantworten; darum gebe ich dieses Gespräch an einen "
    "Menschen weiter. Die Antwort kommt hier. Sie können auch eine Telefonnummer oder E-Mail-Adresse hinterlassen.",
    "handoff.self-harm": "Ich bin ein KI-System und kann Ihnen nicht so helfen, wie Sie es verdienen. Wenn Sie sich "
    "etwas antun könnten oder in Gefahr sind, rufen Sie jetzt den Notruf 112. Ich gebe dieses Gespräch an einen "
    "Menschen weiter.",
    "handoff.safety": "Bei Feuer, Gasgeruch oder Verletzten: Verlassen Sie den Ort und rufen Sie den Notruf 112. "
    "Benutzen Sie den Artikel nicht weiter. Ich gebe dieses Gespräch jetzt an einen Menschen weiter.",
    "handoff.medical": "Wenn jemand verletzt ist oder sich unwohl fühlt, holen Sie zuerst ärztliche Hilfe; im Notfall "
    "112. Benutzen Sie den Artikel nicht weiter. Ich gebe dieses Gespräch jetzt an einen Menschen weiter.",
    "already": "Dieses Gespräch ist schon bei unserem Team; jemand schreibt Ihnen hier.",
    "contact": "Danke. Wir erreichen Sie darüber zu diesem Gespräch.",
    "taken": "Ein Mensch aus unserem Team ist jetzt im Gespräch.",
    "returned": "Der Mensch hat das Gespräch verlassen. Der KI-Assistent antwortet wieder.",
    "closed": "Dieses Gespräch ist beendet. Sie können jederzeit ein neues beginnen.",
}
_FRENCH: Mapping[str, str] = {
    "hello": "Bonjour ! Que souhaitez-vous savoir ?",
    "thanks": "Avec plaisir. Puis-je faire autre chose pour vous ?",
    "bye": "Au revoir, et merci de votre message.",
    "ok": "Très bien. Puis-je faire autre chose pour vous ?",
    "who": "Je suis un assistant d’IA. Je réponds à partir de nos documents et montre d’où vient chaque réponse. Vous "
    "pouvez demander une personne à tout moment.",
    "human": "Non, je suis un assistant d’IA, pas une personne. Si vous préférez parler à une personne, dites-le et je "
    "transmets la conversation.",
    "refusal": "Je n’ai pas trouvé de réponse dans nos documents. Vous pouvez poser la question autrement, ou parler à "
    "une personne.",
    "which": "Lequel voulez-vous dire ?",
    "who-is-meant": "Ce que vous écrivez convient à plusieurs personnes. De qui s’agit-il ? Un nom complet, une "
    "adresse e-mail ou un numéro de commande aide.",
    "person": "Parler à une personne",
    "handoff": "Je transmets cette conversation à une personne, qui verra vos questions et mes réponses. Elle écrira "
    "ici. Vous pouvez aussi laisser un numéro de téléphone ou une adresse e-mail.",
    "handoff.no-answer": "Je n’ai pas pu répondre à vos dernières questions ; je transmets donc cette conversation à "
    "une personne. Elle écrira ici. Vous pouvez aussi laisser un numéro de téléphone ou une adresse e-mail.",
    "handoff.self-harm": "Je suis un système d’IA et ne peux pas vous aider comme vous le méritez. Si vous risquez de "
    "vous faire du mal ou êtes en danger, appelez le 112 maintenant. Je transmets cette conversation à une personne.",
    "handoff.safety": "En cas de feu, d’odeur de gaz ou de blessé : quittez les lieux et appelez le 112. N’utilisez "
    "plus l’article. Je transmets cette conversation à une personne maintenant.",
    "handoff.medical": "Si quelqu’un est blessé ou malade, cherchez d’abord une aide médicale ; en urgence, le 112. "
    "N’utilisez plus l’article. Je transmets cette conversation à une personne maintenant.",
    "already": "Cette conversation est déjà entre les mains de notre équipe ; quelqu’un vous écrira ici.",
    "contact": "Merci. Nous vous joindrons ainsi au sujet de cette conversation.",
    "taken": "Une personne de notre équipe a rejoint la conversation.",
    "returned": "La personne a quitté la conversation. L’assistant d’IA répond de nouveau.",
    "closed": "Cette conversation est close. Vous pouvez en commencer une autre à tout moment.",
}
_BY_LANGUAGE = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH}


def say(name: str, language: str) -> str:
    """Return what is said on an occasion; of a hand-over with its topic, the general form where it has none.

    Args:
        name: The occasion, such as ``refusal`` or ``handoff.safety``.
        language: Two letters; English for one that is not there.
    """
    texts = _BY_LANGUAGE.get(language[:2], _ENGLISH)
    return texts.get(name) or texts[name.partition(".")[0]]
