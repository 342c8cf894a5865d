"""Sentences to speak, written for this project (public domain, CC0).

English ones are put together from word lists, so that thousands differ; other languages are a list
each. Sentences take about 2 to 5 s when spoken.
"""

WHO = [
    "the gardener", "my neighbour", "a young teacher", "the captain", "our grandmother", "the night porter",
    "his brother", "the new doctor", "a tired traveller", "the baker's daughter", "an old fisherman", "the postman",
    "her cousin from Leeds", "the choir", "a stranger", "the mechanic", "our landlord", "the youngest judge",
]
DID = [
    "opened", "carried home", "forgot", "painted", "sold", "borrowed", "repaired", "found", "described", "measured",
    "gave away", "photographed", "washed", "hid", "returned", "weighed", "dropped", "wrapped", "asked about",
]
WHAT = [
    "the blue suitcase", "three jars of honey", "an expensive violin", "the kitchen window", "two railway tickets",
    "a box of letters", "the broken clock", "seven wooden chairs", "a map of the harbour", "the heaviest parcel",
    "a pair of gloves", "the village newspaper", "a basket of cherries", "the church key", "his winter coat",
    "some very strange shells", "a yellow bicycle", "the last slice of cake",
]
WHEN = [
    "before sunrise", "on Thursday", "during the storm", "without a word", "in early spring", "after the concert",
    "while it was raining", "at half past nine", "on the way to Oxford", "for the first time", "twice this year",
    "in front of everybody", "just before closing time", "by the river", "under the bridge", "in great haste",
]
FRAMES = [
    "{Who} {did} {what} {when}.",
    "{When}, {who} {did} {what}.",
    "Did you hear that {who} {did} {what}?",
    "I think {who} {did} {what} {when}.",
    "Nobody knew why {who} {did} {what}.",
    "It was {who} who {did} {what} {when}!",
    "Please tell me when {who} {did} {what}.",
    "{Who} {did} {what}, and nobody noticed.",
]


def english(rng):
    """One English sentence drawn with a numpy Generator."""
    pick = {name: str(rng.choice(words)) for name, words in (("who", WHO), ("did", DID), ("what", WHAT), ("when", WHEN))}
    pick |= {"Who": pick["who"][0].upper() + pick["who"][1:], "When": pick["when"][0].upper() + pick["when"][1:]}
    return str(rng.choice(FRAMES)).format(**pick)


FRENCH = [
    "Le boulanger ouvre sa porte bien avant le lever du soleil.",
    "Nous avons marché le long de la rivière jusqu'au vieux pont.",
    "Elle a rangé les livres et fermé la fenêtre de la cuisine.",
    "Est-ce que le train de Lyon arrive toujours à neuf heures?",
    "Mon frère a réparé la bicyclette jaune de la voisine.",
    "Il pleuvait si fort que personne n'est sorti ce matin.",
    "La petite fille compte les bateaux qui rentrent au port.",
    "Je ne sais pas encore où nous passerons les vacances.",
    "Le médecin a parlé lentement, puis il a souri.",
    "Trois chats dormaient sur le mur du jardin.",
    "Après le concert, tout le monde est rentré à pied.",
    "Il faut apporter du pain, du fromage et des cerises.",
]
SPANISH = [
    "La biblioteca cierra a las seis, así que devuelve los libros pronto.",
    "Mi hermana compró dos billetes para el tren de la mañana.",
    "El jardinero encontró una llave muy vieja junto al pozo.",
    "¿Quién dejó abierta la ventana de la cocina anoche?",
    "Caminamos por la playa hasta que empezó a llover.",
    "El médico nuevo habla despacio y siempre sonríe.",
    "Mañana vamos a pintar las sillas del patio.",
    "Nadie sabe por qué el reloj de la plaza se paró.",
    "Los niños contaban los barcos que volvían al puerto.",
    "Mi abuela guarda tres cajas de cartas antiguas.",
    "Después del concierto todos volvieron a casa a pie.",
    "Trae pan, queso y una cesta de cerezas, por favor.",
]
ITALIAN = [
    "La biblioteca chiude alle sei, quindi riporta i libri prima di cena.",
    "Mio fratello ha riparato la bicicletta gialla della vicina.",
    "Abbiamo camminato lungo il fiume fino al vecchio ponte.",
    "Chi ha lasciato aperta la finestra della cucina?",
    "Il fornaio comincia a lavorare prima dell'alba.",
    "La bambina conta le barche che tornano in porto.",
    "Domani dipingiamo le sedie del cortile.",
    "Nessuno sa perché l'orologio della piazza si è fermato.",
    "Dopo il concerto sono tornati tutti a casa a piedi.",
    "Tre gatti dormivano sul muro del giardino.",
]
PORTUGUESE = [
    "A biblioteca fecha às seis, por isso devolve os livros cedo.",
    "O jardineiro encontrou uma chave muito antiga junto ao poço.",
    "Quem deixou aberta a janela da cozinha ontem à noite?",
    "Caminhamos pela praia até começar a chover.",
    "A minha avó guarda três caixas de cartas antigas.",
    "Depois do concerto todos voltaram para casa a pé.",
    "As crianças contavam os barcos que voltavam ao porto.",
    "Ninguém sabe por que o relógio da praça parou.",
]
JAPANESE = [
    "図書館は六時に閉まりますから、早く本を返してください。",
    "弟は隣の人の黄色い自転車を直しました。",
    "私たちは川に沿って古い橋まで歩きました。",
    "昨日の夜、誰が台所の窓を開けたままにしましたか。",
    "パン屋さんは日の出の前に働き始めます。",
    "女の子は港に帰る船を数えています。",
    "明日は庭の椅子を三つ塗る予定です。",
    "広場の時計がなぜ止まったのか、誰も知りません。",
    "コンサートの後、みんな歩いて家に帰りました。",
    "新しい先生はゆっくり話して、よく笑います。",
    "雨が強かったので、今朝は誰も出かけませんでした。",
    "祖母は古い手紙の箱を三つ持っています。",
    "次の電車は九時半に京都に着きます。",
    "さくらんぼとチーズとパンを買ってきてください。",
]
CHINESE = [
    "今天天气很好，我们去公园散步。",
    "图书馆六点关门，请早一点还书。",
    "我弟弟修好了邻居的黄色自行车。",
    "昨天晚上是谁没有关厨房的窗户？",
    "面包师傅天还没亮就开始工作了。",
    "小女孩在数回到港口的船。",
    "明天我们要给院子里的椅子刷漆。",
    "没有人知道广场上的钟为什么停了。",
    "音乐会以后，大家都走路回家。",
    "新来的医生说话很慢，而且总是微笑。",
    "雨下得太大，今天早上没有人出门。",
    "我的奶奶有三盒很旧的信。",
    "下一班火车九点半到上海。",
    "请你买一些面包、奶酪和樱桃。",
    "我们沿着河一直走到那座老桥。",
    "他把地图忘在了火车上。",
    "花园的墙上睡着三只猫。",
    "我还不知道假期要去哪里。",
    "老师在黑板上写了五个数字。",
    "冬天的时候，这里的湖会结冰。",
    "她一个人弹了两个小时的钢琴。",
    "这家饭馆的鱼比那家的好吃。",
    "请在下一个路口向左转。",
    "爷爷每天早上都看报纸。",
    "船长说暴风雨快要来了。",
    "我想问一下，这个多少钱？",
    "他们花了七天才到山顶。",
    "孩子们在雪地里跑来跑去。",
    "桌子上有一封给你的信。",
    "那位老人认识这条街上的每一个人。",
]
