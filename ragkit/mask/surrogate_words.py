"""Occupations and peoples, for the surrogates of ``TITLE`` and ``NRP``."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

TITLES = tuple(
    "accountant,actuary,anaesthetist,animator,arborist,archivist,art director,auditor,baker,barista,bookbinder,"
    "bookkeeper,botanist,bricklayer,broker,bus driver,carpenter,cartographer,cashier,chef,chemist,choreographer,"
    "civil engineer,claims adjuster,cleaner,clerk,coach,composer,confectioner,conservator,copywriter,courier,"
    "crane operator,curator,dental assistant,dentist,detective,dietitian,dispatcher,draughtsman,economist,editor,"
    "electrician,engraver,estate agent,event planner,farmer,firefighter,fisherman,fitter,flight attendant,florist,"
    "forester,foundry worker,furniture maker,gardener,geologist,glazier,goldsmith,graphic designer,hairdresser,"
    "harbour pilot,horticulturist,hotel manager,housekeeper,hydrologist,illustrator,insurance agent,interpreter,"
    "investigator,jeweller,joiner,journalist,judge,lab technician,land surveyor,landscape architect,lecturer,"
    "librarian,locksmith,logistician,machinist,mason,mathematician,mechanic,mediator,meteorologist,midwife,miller,"
    "miner,model maker,museum guide,musician,notary,nurse,oceanographer,optician,orthodontist,painter,paralegal,"
    "paramedic,park ranger,pastry cook,payroll clerk,pharmacist,photographer,physicist,physiotherapist,piano tuner,"
    "pilot,plasterer,plumber,podiatrist,porter,postal worker,potter,press officer,printer,probation officer,"
    "process engineer,prosecutor,psychologist,puppeteer,purchaser,quality inspector,radiographer,receptionist,"
    "recruiter,restorer,roofer,sales clerk,school principal,sculptor,security guard,set designer,shoemaker,"
    "signal operator,social worker,solicitor,sound engineer,speech therapist,statistician,steward,stonemason,"
    "stoker,structural engineer,surgeon,surveyor,tailor,tax adviser,teacher,tool maker,tour guide,town planner,"
    "train driver,translator,treasurer,typesetter,undertaker,upholsterer,usher,veterinarian,violin maker,waiter,"
    "warehouse clerk,watchmaker,weaver,web designer,welder,window cleaner,winemaker,wood turner,zoologist".split(",")
)

PEOPLES = tuple(
    "Afghan Albanian Algerian Andorran Angolan Argentine Armenian Australian Austrian Azerbaijani Bahamian Bahraini "
    "Bangladeshi Barbadian Belarusian Belgian Belizean Beninese Bhutanese Bolivian Bosnian Botswanan Brazilian "
    "Bulgarian Burundian Cambodian Cameroonian Canadian Chadian Chilean Chinese Colombian Comorian Congolese "
    "Croatian Cuban Cypriot Czech Danish Djiboutian Dominican Dutch Ecuadorian Egyptian Eritrean Estonian Ethiopian "
    "Fijian Filipino Finnish French Gabonese Gambian Georgian German Ghanaian Greek Grenadian Guatemalan Guinean "
    "Guyanese Haitian Honduran Hungarian Icelandic Indian Indonesian Iranian Iraqi Irish Israeli Italian Ivorian "
    "Jamaican Japanese Jordanian Kazakh Kenyan Kosovan Kuwaiti Kyrgyz Laotian Latvian Lebanese Liberian Libyan "
    "Lithuanian Macedonian Malagasy Malawian Malaysian Maldivian Malian Maltese Mauritanian Mauritian Mexican "
    "Moldovan Mongolian Montenegrin Moroccan Mozambican Namibian Nepalese Nicaraguan Nigerian Norwegian Omani "
    "Pakistani Panamanian Paraguayan Peruvian Polish Portuguese Qatari Romanian Russian Rwandan Salvadoran Samoan "
    "Saudi Senegalese Serbian Singaporean Slovak Slovenian Somali Spanish Sudanese Surinamese Swedish Swiss Syrian "
    "Taiwanese Tajik Tanzanian Thai Togolese Tongan Tunisian Turkish Turkmen Ugandan Ukrainian Uruguayan Uzbek "
    "Venezuelan Vietnamese Welsh Yemeni Zambian Zimbabwean".split()
)
