"""Templates of notices, calls, interviews, listings, school, sport, science and of words that are also names."""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

RULES: dict[str, list[str]] = {
    "call": [
        "Hi, this is {p1.full}, I'm calling about the {noun}.", "Could you spell that? - {p1.family}, first name {p1.given}.", "You're speaking with {p2.given}, how may I help?", "Can I have your full name? {p1.full}.", "And the zip code? {postcode}.", "I live at {address}.", "I was born {born}.", "The last digits are {id.short}.", "My husband's name is {p3.full}.", "I'm at {street} in {city}, please hurry.",
        "Uh, {p1.given}, {p1.full}.", "I'll transfer you to {p3.given}, our {job}.", "Yes ma'am, one second.", "Voicemail from {p1.full}, {phone}, {rel} at {time}.", "it's under the name {p1.family}", "so {p1.given} called {rel} and said {p2.given} would pay", "the caller, a {nat} man, asked for {p2.full}", "please tell {p1.given} that {p2.given} rang", "no, {p1.family} with a K", "is that {p1.mr}?",
    ],
    "interview": [
        "Q: When did you move to {city}? A: In {year}.", "{p1.family}: I never met {p2.mr}.", "INTERVIEWER: What did {p2.full} say?\n{p1.upper}: Nothing.", "Q. State your name. A. {p1.full}.", "THE WITNESS: I saw {p2.mr} {rel}.", "{title} {p1.family}: Objection.", "SPEAKER 1: {@call}\nSPEAKER 2: {@call}", "{p1.initials}: Where were you born?\n{p2.initials}: In {placed}.", "Moderator: our next guest is {p1.full} of {org}.", "**{p1.given}:** {@call}\n**{p2.given}:** {@call}",
    ],
    "notice": [
        "{p1.full}, {age}, of {city}, died {rel}. [[She//He]] is survived by {p2.full} and {p3.full}.", "In loving memory of {p1.formal}, {born} - {date}", "{p1.given} and {p2.given} are getting married on {date} in {city}!", "It's a girl! {p1.given} was born on {date} at {time}, {qty}.", "Missing: {p1.full}, {aged}, last seen near {landmark} on {date}. Call {phone}.", "Lost dog near {street}, answers to Rex, call {p1.given} {phone}", "For sale: house at {address}, {qty}, {money}. Contact {p1.full}, {org}.",
        "Flat to let in {city}, {money} a month, viewing {rel} with {p1.given}.", "You are invited to {p1.given}'s {n}th birthday at {street}, {rel}, {time}.", "Room {n} is booked by {p1.full} until {time}.", "Keynote: {p1.full} ({org}), {time}", "Speaker: {p1.mr}, {org.uni}, {country}", "Concert: {p1.full} & Band, {city}, {date}", "Doors open at {time}. Tickets from {money}.", "We are looking for a {job} in {city}. Send your CV to {p1.full}, {mail}.", "{org#1} is hiring: {job_cap}, {placed}, from {date}.",
        "Donation of {money} received from {p1.full}, {address}. {org}, {city}.", "Your appointment with {p1.mr} is {rel} at {time}.", "Your code is {id.short}. Do not share it.", "Your parcel {id} arrives {rel} between {time} and {time}.", "{p1.given}, your table at {time} is confirmed. {street}, {city}", "Reminder: {p1.given} pays the rent {rel}.", "Happy anniversary {p1.given} & {p2.given}!", "Welcome to {city}!", "Greetings from {landmark}, love {p1.given} and {p2.given}",
        "WANTED: {p1.upper}, born {born} in {city}, {nat}.", "The {org.gov} hereby grants {p1.full}, {nat}, born {born}, a residence permit.", "Certificate: {p1.full} has passed the course on {date}. {p2.full}, {job_cap}, {org.uni}", "To {p1.full}, for {dur} of service at {org}.", "Notary {p1.full}, {city}, deed no. {id} of {date}.", "Prize winners: {p1.full} ({city}), {p2.full} ({city}), {p3.full} ({city})",
    ],
    "school": [
        "{p1.full} ({age}) is in class 4b; the {t:class teacher} is {p2.mr}.", "{p1.given} missed school {rel}. Signed, {p2.full} (mother)", "Grade report: {p1.sorted}, {org.uni}, {year}", "Dear parents, {p1.mr} will teach physics from {date}.", "{p1.full}'s thesis was supervised by {p2.mr} at the {org.uni}.", "The students {p1.given}, {p2.given} and {p3.given} visited {landmark}.", "{p1.full} received a scholarship from the {org.assoc}.", "Student no. {id.short}, {p1.full}, born {born}, {nat}", "{p1.given} got {n} points, {p2.given} {n}.",
    ],
    "sport": [
        "{p1.full} scored twice as {org.club} beat {org.club} in {city}.", "{org.club} 2 {org.club} 1", "{org.club} - {org.club} 0:0 ({p1.family} {n}', {p2.family} {n}')", "{p1.full} ({nat}) bt {p2.full} ({nat}) 6-4 6-3", "{country} 245 all out ({p1.family} 78, {p2.family} 52)", "{org.club} signed {nat} [[striker//goalkeeper//midfielder]] {p1.full} from {org.club} for {money}.", "1. {p1.full} ({country}) {time}", "{title} {p1.family} praised {p2.full} after the win over {country}.", "{city} {org.acr} - {city} {org.acr} {rel}", "Results of {rel} in the {nat} league:", "{p1.initials} c {p2.family} b {p3.family} {n}", "{p1.full}, {nat}, {org.club}, {age}",
    ],
    "science": [
        "{p1.initials}, {p2.initials} & {p3.initials} ({year}). On the {noun}. {org.uni}.", "We thank {p1.full} and {p2.full} ({org.uni}) for comments.", "As {p1.family} ({year}) showed, this holds.", "({p1.family} & {p2.family}, {year}; {p3.family}, {year})", "{p1.full}1, {p2.full}2 and {p3.full}1\n1 {org.uni}, {city}, {country}\n2 {org.uni}, {placed}", "Corresponding author: {p1.full}, {p1.email}", "Samples of {qty} were taken in {region} on {date}.", "The survey covered {n} households in {city} and {state}.", "{nrps} and {nrps} were interviewed in {city}.", "Funded by the {org.gov} under grant {id}.", "Translated from the {nat} by {p1.full}", "Edited by {p1.full} and {p2.full}, {org}, {city} {year}",
    ],
    "police": [
        "On {date} at {time} officers stopped a car, plate {id.car}, driven by {p1.full}, {aged}, of {address}.", "Suspect: {p1.full}, alias \"{p2.given}\", {nat}, born {born}.", "Victim {p1.full} stated that {p2.full} hit him near {landmark}.", "{title} {p3.family} took {p1.family} to {org.health}.", "Witness {p2.initials} heard shots at {time}.", "Incident {id}: theft at {org}, {street}, {city}.", "{title} {p3.full} of the {org.gov} leads the inquiry.", "Stolen: passport {id.gov} of {p1.full}.",
    ],
    "music": [
        "{p1.full} - Live in {city}", "now playing: {p1.full}", "Song written by {p1.family}/{p2.family}", "feat. {p1.full}", "{p1.full}'s second album was recorded in {city} in {year}.", "the lyrics by {p1.given} are about {city}", "The film stars {p1.full} as a {job} in {city}.", "{p1.full} plays {p2.full}, a {nat} {job}.", "In the novel, {p1.given} leaves {city} for {country} with {p2.given}.", "cover of a {p1.full} song", "{p1.full} won the award {rel}.", "I dreamed of {city} {rel}", "oh {p1.given}, come back to {city}", "I met a girl called {p1.given} in {city}",
    ],
    "office2": [
        "{p1.given}, as discussed with {p2.given}: {@clean}", "FYI {p1.given}", "+ {p1.given}", "@{p1.full} fyi", "see below, {p2.given}", "thx {p1.given} :)", "Regards {p2.given}", "{p1.given} wrote {rel}: {@clean}", "per {p1.initials}: {@clean}", "{p1.initials}/{p2.initials}, {date}", "Approved by {p1.full} on {date}.", "Signed off by {p1.sorted} ({job_cap}).", "On behalf of {p1.full}", "Visitor: {p1.full}, {org}, host {p2.given}", "Out of office: I am away until {date}. Contact {p2.full}, {p2.email}.", "Automatic reply from {p2.full}: {@clean}", "Delegate {p1.full} ({country})", "Driver: {p1.full}, truck {id.car}, route {city} - {city}",
        "{p1.given}'s team in {city} uses the {product}.", "The {product} was bought by {p1.full} of {org}.", "{org.brand} sells the {product} in {country}.", "New {job} at {org}: {p1.full}", "{p1.full} (born {p2.family})", "{p1.full}, née {p2.family}", "{p1.full} a.k.a. {p2.given}", "{p1.full} c/o {p2.full}", "{p1.full} and his wife {p2.given}", "{p1.given} & {p2.full}", "{title} and {title} {p1.family}", "the late {p1.full}", "{title} and {title} {p1.full}", "my colleague {p1.given}", "our client {p1.full}", "your neighbour {p1.mr}", "my ex {p1.given}", "user {p1.full} is not active", "client: {p1.full}", "{p1.full} has left the chat",
        "A {nat} court in {city} ruled {rel}.", "The {nat}, {nat} and {nat} markets fell.", "{nat} wine and {nat} cheese", "translated into {nat}", "He holds {nat} and {nat} passports.", "the {belief} church in {city}", "{nrps} do not eat this.", "{nrps}, {nrps} and {nrps} live here.", "a group of {nrps} from {city}", "half {nat}, half {nat}", "He is a {political}.", "The {political} vote grew in {region}.", "an {nat} speaker", "The {country}-based firm {org} hired {p1.full}.",
    ],
    "words": [
        "The bath is hot.", "Have a nice evening.", "Split the file in two.", "Orange juice is cold.", "The mobile version is better.", "A normal day at work.", "The hull of the boat leaks.", "The cork is stuck.", "The lens is dirty.", "Guided tours are offered.", "The phoenix rises.", "Sales were slow.", "The price is right.", "The judge was fair.", "The park is green.", "A young cook needs salt.", "The church has a bell.", "The page is blank.", "A white wall, a brown door.", "The hill is steep.", "Snow and frost are coming.",
        "The wood is dry, the stone is wet.", "Love is strong.", "Best of luck.", "The field is empty.", "Cross the street.", "Cash or card?", "In any case, write it down.", "The law is clear.", "Rice and beans", "A long day, a short night.", "The temple is old.", "The lake is deep.", "The major issue was fixed.", "The dean is away.", "A grant was given.", "The ray of light", "Dawn breaks early.", "The holly is green, the ivy too.", "Heather covers the moor.", "A penny for your thoughts.", "It is a joy.", "Miles away from here.", "Skip this step.",
        "The ruby ring", "The general idea is good.", "Let me be clear.", "The address is missing.", "The name is too long.", "The location is unknown.", "The city is far.", "Country of origin must be stated.", "The title is wrong.", "Age limits apply.", "The date is missing.", "A phone number is needed.", "The organisation grew.", "My boss is nice.", "Mum called.", "Dad is home.", "Grandma baked a cake.", "The client was happy.", "Support Team", "Customer Service", "Human Resources", "The Management", "Your Support Team", "Sales Department", "Accounts Payable", "IT Helpdesk",
    ],
}

TEMPLATES: list[tuple[str, float, list[str]]] = [
    ("call", 4, ["{@call}", "{@call} {@call}", "Agent: {@call}\nCaller: {@call}\nAgent: {@call}", "{@call}\n{@call}\n{@call}"]),
    ("interview", 3, ["{@interview}", "{@interview}\n{@interview}"]),
    ("notice", 5, ["{@notice}", "{@notice}", "{@notice} {@notice}"]),
    ("school", 2, ["{@school}", "{@school} {@school}"]),
    ("sport", 4, ["{@sport}", "{@sport}\n{@sport}", "{@sport} {@sport}"]),
    ("science", 3, ["{@science}", "{@science} {@science}"]),
    ("police", 3, ["{@police}", "{@police} {@police} {@police}", "{@police} {@police}"]),
    ("music", 3, ["{@music}", "{@music}\n{@music}", "{@music} {@review}"]),
    ("office2", 6, ["{@office2}", "{@office2}", "{@office2} {@plain}", "{@office2}\n{@ask}"]),
    ("words", 6, ["{@words}", "{@words} {@words}", "{@words} {@clean}", "{@words} {@plain}", "{@words}\n{@words} {@ask}"]),
]
