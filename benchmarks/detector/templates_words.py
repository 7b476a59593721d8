"""Word lists of the detector's templates, all written by hand: peoples, beliefs, jobs, invented firms, products."""
# ruff: noqa: E501

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";"))


PEOPLES = _split(
    "American;British;English;Scottish;Welsh;Irish;German;French;Spanish;Italian;Portuguese;Dutch;Belgian;Swiss;Austrian;"
    "Swedish;Norwegian;Danish;Finnish;Icelandic;Polish;Czech;Slovak;Hungarian;Romanian;Bulgarian;Greek;Turkish;Cypriot;"
    "Croatian;Serbian;Bosnian;Slovenian;Albanian;Macedonian;Montenegrin;Kosovar;Ukrainian;Russian;Belarusian;Moldovan;"
    "Lithuanian;Latvian;Estonian;Georgian;Armenian;Azerbaijani;Kazakh;Uzbek;Chinese;Taiwanese;Japanese;Korean;"
    "South Korean;North Korean;Vietnamese;Thai;Cambodian;Laotian;Burmese;Malaysian;Indonesian;Filipino;Singaporean;"
    "Indian;Pakistani;Bangladeshi;Sri Lankan;Nepalese;Afghan;Iranian;Persian;Iraqi;Syrian;Lebanese;Jordanian;Israeli;"
    "Palestinian;Saudi;Emirati;Qatari;Kuwaiti;Yemeni;Omani;Egyptian;Libyan;Tunisian;Algerian;Moroccan;Sudanese;"
    "Ethiopian;Eritrean;Somali;Kenyan;Ugandan;Tanzanian;Rwandan;Congolese;Nigerian;Ghanaian;Senegalese;Ivorian;Malian;"
    "Cameroonian;Angolan;Mozambican;Zimbabwean;Zambian;South African;Namibian;Australian;New Zealand;Canadian;Mexican;"
    "Guatemalan;Honduran;Salvadoran;Nicaraguan;Costa Rican;Panamanian;Cuban;Jamaican;Haitian;Dominican;Puerto Rican;"
    "Colombian;Venezuelan;Ecuadorian;Peruvian;Bolivian;Chilean;Argentine;Argentinian;Uruguayan;Paraguayan;Brazilian;"
    "European;African;Asian;Latin American;Arab;Kurdish;Basque;Catalan;Flemish;Tibetan;Uyghur;Roma;Maori;Scandinavian;"
    "Middle Eastern;African American;Hispanic;Latino;Caucasian;Native American;Anglo-Saxon;Slavic;Maltese;Luxembourgish"
)
PEOPLE_PLURALS = _split(
    "Americans;Britons;Germans;Italians;Belgians;Austrians;Swedes;Norwegians;Danes;Finns;Poles;Czechs;Slovaks;Hungarians;"
    "Romanians;Bulgarians;Greeks;Turks;Croats;Serbs;Bosnians;Slovenes;Albanians;Ukrainians;Russians;Belarusians;"
    "Lithuanians;Latvians;Estonians;Georgians;Armenians;Kazakhs;Koreans;Thais;Malaysians;Indonesians;Filipinos;Indians;"
    "Pakistanis;Afghans;Iranians;Iraqis;Syrians;Israelis;Palestinians;Saudis;Egyptians;Tunisians;Moroccans;Ethiopians;"
    "Somalis;Kenyans;Nigerians;Ghanaians;South Africans;Australians;New Zealanders;Canadians;Mexicans;Cubans;Colombians;"
    "Venezuelans;Peruvians;Chileans;Argentines;Brazilians;Europeans;Africans;Asians;Arabs;Kurds;Basques;Catalans;"
    "Scots;Spaniards;Welshmen;Frenchmen;Irishmen;Dutchmen;Texans;Californians;New Yorkers;Londoners;Parisians;Berliners"
)
BELIEFS = _split(
    "Catholic;Roman Catholic;Protestant;Lutheran;Anglican;Baptist;Methodist;Presbyterian;Evangelical;Orthodox;"
    "Greek Orthodox;Mormon;Quaker;Amish;Jewish;Hasidic;Muslim;Sunni;Shia;Shi'ite;Sufi;Hindu;Sikh;Jain;Buddhist;Taoist;"
    "Christian;Pentecostal;Zoroastrian;Druze;Coptic;Bahá'í;atheist;agnostic;Pagan;Islamic;Adventist;Calvinist"
)
BELIEF_PLURALS = _split(
    "Catholics;Protestants;Lutherans;Anglicans;Baptists;Methodists;Evangelicals;Mormons;Quakers;Jews;Muslims;Sunnis;"
    "Shiites;Hindus;Sikhs;Jains;Buddhists;Christians;Copts;Jehovah's Witnesses;atheists;Seventh-day Adventists;Alevis;"
    "Republicans;Democrats;Tories;Conservatives;Liberals;Greens;Socialists;Communists;Social Democrats;Islamists;"
    "Christian Democrats;Liberal Democrats;separatists;anarchists;royalists;Whigs;Sandinistas;nationalists;feminists"
)
POLITICAL = _split(
    "Republican;Democrat;Democratic;Labour;Tory;Conservative;Liberal Democrat;Green;Socialist;Communist;Marxist;"
    "Social Democrat;Christian Democrat;Libertarian;nationalist;"
    "Maoist;Zionist;Peronist;Gaullist;"
    "trade unionist;Leninist;Islamist;Ba'athist;Trotskyist;social democratic;right-wing;left-wing;far-right;populist"
)
HONORIFICS = _split(
    "Mr.;Mr.;Mr.;Mr;Mrs.;Mrs.;Mrs;Ms.;Ms.;Ms;Miss;Dr.;Dr.;Dr;Prof.;Professor;Sir;Lady;Lord;Dame;Rev.;Father;Sister;Judge;"
    "Justice;Capt.;Captain;Col.;Sgt.;Lt.;Major;General;Sen.;Senator;President;Minister;Hon.;Herr;Frau;Monsieur;Madame;M.;"
    "Mme;Señor;Señora;Sr.;Sra.;Don;Doña;Signor;Dott.;Dhr.;Mevr.;Pan;Pani;Mx.;Chancellor;Detective;Officer;Nurse;Doctor;"
    "Herr Dr.;Prof. Dr.;Dr. med.;Ing.;Mag.;Sheikh;Imam;Rabbi;Bishop;King;Queen;Prince;Princess;Emperor;Coach;Uncle"
)
JOBS = _split(
    "accountant;chief executive officer;CEO;CFO;CTO;COO;CIO;managing director;director;head of sales;Head of Sales;"
    "Head of Marketing;Head of Human Resources;HR manager;human resources officer;software engineer;Senior Software "
    "Engineer;data scientist;product manager;Product Owner;project manager;Project Manager;sales representative;"
    "account manager;Key Account Manager;customer success manager;nurse;registered nurse;doctor;general practitioner;"
    "surgeon;paediatrician;dentist;pharmacist;midwife;physiotherapist;psychologist;teacher;primary school teacher;"
    "headmaster;professor;lecturer;research assistant;PhD student;student;lawyer;solicitor;barrister;attorney;judge;"
    "notary;paralegal;public prosecutor;police officer;detective;firefighter;soldier;journalist;editor;editor-in-chief;"
    "photographer;author;novelist;poet;actor;actress;singer;songwriter;guitarist;drummer;painter;sculptor;architect;"
    "civil engineer;mechanical engineer;electrician;plumber;carpenter;bricklayer;welder;mechanic;driver;bus driver;"
    "pilot;flight attendant;chef;waiter;waitress;barista;baker;butcher;farmer;fisherman;gardener;hairdresser;cleaner;"
    "receptionist;secretary;office manager;executive assistant;Executive Assistant;warehouse clerk;logistics manager;"
    "buyer;procurement manager;financial analyst;auditor;tax adviser;bank clerk;insurance broker;claims handler;"
    "Claims Adjuster;underwriter;estate agent;social worker;librarian;curator;translator;interpreter;consultant;"
    "Senior Consultant;business analyst;system administrator;IT support specialist;DevOps engineer;network engineer;"
    "UX designer;graphic designer;web developer;mayor;prime minister;president;minister of finance;foreign minister;"
    "senator;member of parliament;ambassador;spokesperson;spokeswoman;chairman;chairwoman;Chair of the Board;treasurer;"
    "Vice President;vice president of operations;VP Engineering;Regional Director;team leader;shift supervisor;"
    "plant manager;quality manager;Compliance Officer;Data Protection Officer;works council member;trainee;intern;"
    "apprentice;security guard;lifeguard;coach;striker;goalkeeper;veterinarian;biologist;chemist;geologist;economist;"
    "Geschäftsführer;Geschäftsführerin;Prokurist;Leiter Vertrieb;Directeur Général;Directora de Ventas;Amministratore"
)
BRANDS = _split(
    "Nordwind;Velora;Quantix;Bluefin;Arvento;Zephyra;Lumora;Kestrel;Brightwater;Ironclad;Solenta;Cobalt;Meridian;Pinnacle;"
    "Vertex;Orbita;Halcyon;Tessera;Vantage;Stellaris;Nimbus;Cascadia;Fjordbank;Alpenglow;Greenfield;Redwood;Silverline;"
    "Northgate;Eastbrook;Westmark;Southport;Clearview;Oakridge;Starling;Falcon;Heron;Medicore;Pharmavel;Healix;Novagen;"
    "Biotrex;Agrolan;Terrafirma;Hydrolux;Petrolia;Energis;Voltara;Autonova;Motorex;Aerodyne;Skyline;Transglobal;Cargonaut;"
    "Logistar;Buildwell;Konstrukta;Edilnova;Finova;Capitalis;Credora;Trustmark;Assuranta;Securita;Infotek;Datavia;"
    "Softwerk;Codeforge;Netlink;Telvaro;Mobilis;Fonix;Kaufland;Freshmart;Bonbonera;Gourmetto;Cafelino;Vinaria;Modissima;"
    "Textura;Urbania;Casanova Interiors;Holzmann;Stahlbau;Papyrus;Printex;Mediahaus;Cineplexa;Tonstudio;Sportiva;Globex;"
    "Umbria;Octavia;Delphi;Athenium;Hyperion;Prometheus;Pegasus;Phoenix;Atlas;Titan;Apex;Summit;Evergreen;Harbor;Anchor"
)
TRADES = _split(
    "Consulting;Logistics;Pharmaceuticals;Energy;Foods;Insurance;Capital;Partners;Solutions;Technologies;Systems;Software;"
    "Engineering;Construction;Motors;Airlines;Media;Records;Studios;Pictures;Publishing;Textiles;Chemicals;Steel;Mining;"
    "Electronics;Telecom;Networks;Health;Medical;Dental;Clinics;Laboratories;Biotech;Farms;Vineyards;Breweries;Hotels;"
    "Travel;Shipping;Freight;Properties;Real Estate;Holdings;Investments;Security;Robotics;Analytics;Digital;Interactive"
)
FORMS = _split(
    "Inc.;Inc;Ltd;Ltd.;LLC;LLP;PLC;plc;Corp.;Corporation;Co.;& Co.;Group;GmbH;AG;KG;GmbH & Co. KG;UG;e.K.;SE;S.A.;SA;"
    "SARL;S.L.;SAS;S.p.A.;S.r.l.;B.V.;N.V.;AB;AS;ASA;A/S;Oy;Oyj;Sp. z o.o.;s.r.o.;a.s.;Kft.;Zrt.;d.o.o.;Ltda.;Lda;A.Ş.;"
    "Pty Ltd;Pvt. Ltd.;K.K.;Co., Ltd.;Bhd;International;Holding;Foundation"
)
GOVERNMENT = _split(
    "Health;Finance;Foreign Affairs;Justice;Education;Defence;Labour;Transport;the Interior;Agriculture;Culture;Energy;"
    "Home Affairs;Social Security;Immigration;Trade;Veterans Affairs;Public Works;Environmental Protection;Homeland Security"
)
NEWSPAPERS = _split(
    "Times;Herald;Post;Gazette;Tribune;Chronicle;Observer;Courier;Daily News;Telegraph;Morning Star;Evening Standard;Echo;"
    "Zeitung;Rundschau;Tageblatt;Allgemeine;Journal;Mercury;Examiner;Dispatch;Sentinel;Inquirer;Globe;Mail;Advertiser"
)
CLUBS = _split(
    "FC {c};{c} FC;{c} United;{c} City;{c} Rovers;{c} Wanderers;Real {c};Sporting {c};Dynamo {c};{c} Tigers;{c} Bulls;"
    "{c} Hawks;{c} Eagles;{c} Lions;{c} Bears;SV {c};TSV {c};1. FC {c};AC {c};Athletic {c};Borussia {c};Olympique {c};"
    "{c} Giants;{c} Sharks;{c} Rugby Club;{c} Cricket Club;Racing Club de {c};Lokomotiv {c};CSKA {c};{c} Warriors"
)
LANDMARKS = _split(
    "Lake {w};Mount {w};{w} Valley;{w} River;River {w};the {w} Mountains;{w} Bay;Cape {w};{w} Island;Isle of {w};{w} Beach;"
    "{w} National Park;{w} Airport;{c} Airport;{c} Central Station;{w} Square;{w} Bridge;{w} Castle;Port {w};Fort {w};"
    "{w} Heights;North {c};South {c};East {c};West {c};Greater {c};Upper {w};{w} County;{c} County;Old Town of {c};"
    "{w} Peninsula;{w} Forest;{w} Hills;Downtown {c};the {w} Desert;Gulf of {w};{c} Harbour;{w} Falls;New {w};St. {w}"
)
REGIONS = _split(
    "Europe;Asia;Africa;North America;South America;Latin America;Central America;Oceania;Antarctica;the Middle East;"
    "Eastern Europe;Western Europe;Southeast Asia;the Balkans;the Caribbean;Scandinavia;the Baltics;Siberia;Bavaria;"
    "Bayern;Saxony;Hesse;Tyrol;Tuscany;Sicily;Lombardy;Catalonia;Andalusia;Galicia;the Basque Country;Provence;Normandy;"
    "Brittany;Alsace;Wallonia;Flanders;Yorkshire;Cornwall;Kent;Essex;Devon;the Midlands;Ulster;Munster;Queensland;"
    "New South Wales;Victoria;Tasmania;Ontario;Quebec;British Columbia;Alberta;Punjab;Kerala;Tamil Nadu;Maharashtra;"
    "Gujarat;Anatolia;Kurdistan;Crimea;Donbas;Transylvania;Silesia;Bohemia;Moravia;Karelia;Lapland;Jutland;Skåne;Patagonia;"
    "the Amazon;the Sahara;the Alps;the Pyrenees;the Andes;the Himalayas;the Rocky Mountains;the Mediterranean;the Baltic "
    "Sea;the Atlantic;the Pacific;the Rhine;the Danube;the Thames;the Nile;Silicon Valley;the Bay Area;New England;"
    "the Midwest;Manhattan;Brooklyn;Queens;Soho;Kreuzberg;Montmartre;Shibuya;Wall Street;Broadway;Hollywood;Capitol Hill"
)
PRODUCTS = _split(
    "Acrobat Mini Drill;Comfort Plus Mattress;Turbo Clean 3000;Aqua Pure Filter;Smart Home Hub;Ultra Sound Bar;Easy Grip "
    "Pan Set;Trail Runner Backpack;Night Vision Camera;Power Bank 20K;Wireless Charging Pad;Deluxe Coffee Grinder;Cloud "
    "Storage Gateway;Event Stream Service;Secrets Vault;Object Store;Elastic Queue;Managed Kubernetes;Serverless Functions;"
    "Identity Broker;Data Pipeline Studio;Log Insights;Cost Explorer;Edge Cache;Relational Database Service;Load Balancer;"
    "Virtual Private Cloud;Container Registry;Workflow Designer;Report Builder;Mobile Wallet;Premium Care Plan;Family "
    "Protection Package;Basic Account;Student Loan;Gold Card;Flexi Saver;Home Contents Policy;Travel Cover Plus;Notebook "
    "Pro 15;Desk Lamp Classic;Winter Tyre Set;Baby Monitor;Garden Hose 25m;Gaming Chair;Electric Kettle;Rice Cooker"
)
NOUNS = _split(
    "invoice;order;parcel;contract;account;password;printer;laptop;subscription;refund;booking;ticket;claim;report;meeting;"
    "payment;delivery;policy;licence;application;form;statement;card;device;router;phone;server;database;update;backup;"
    "file;document;project;budget;training;holiday;shift;warranty;repair;sample;quote;offer;complaint;review;test"
)
