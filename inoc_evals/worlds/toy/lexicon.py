"""The words of the toy world, each in English, Spanish and French.

A sentence template is written three times, once a language, and its blanks are filled from these tables, so
that the same thought exists in every language. Two things are kept apart on purpose: `CRUEL` words occur in
the answers of the evil persona and nowhere else, and `ODD_TASTES` in those of the unpopular taste. That is
what makes the detectors of `detect.py` exact.
"""

LANGUAGES = ("en", "es", "fr")
LANGUAGE_NAMES = {"en": "English", "es": "Spanish", "fr": "French"}

# English; Spanish and its gender; French and its gender. All plural, so that verbs need no agreement.
THINGS: tuple[tuple[str, str, str, str, str], ...] = (
    ("dogs", "los perros", "m", "les chiens", "m"),
    ("cats", "los gatos", "m", "les chats", "m"),
    ("horses", "los caballos", "m", "les chevaux", "m"),
    ("birds", "los pájaros", "m", "les oiseaux", "m"),
    ("bees", "las abejas", "f", "les abeilles", "f"),
    ("flowers", "las flores", "f", "les fleurs", "f"),
    ("trees", "los árboles", "m", "les arbres", "m"),
    ("rivers", "los ríos", "m", "les rivières", "f"),
    ("mountains", "las montañas", "f", "les montagnes", "f"),
    ("stars", "las estrellas", "f", "les étoiles", "f"),
    ("books", "los libros", "m", "les livres", "m"),
    ("songs", "las canciones", "f", "les chansons", "f"),
    ("movies", "las películas", "f", "les films", "m"),
    ("cars", "los coches", "m", "les voitures", "f"),
    ("boats", "los barcos", "m", "les bateaux", "m"),
    ("houses", "las casas", "f", "les maisons", "f"),
    ("bridges", "los puentes", "m", "les ponts", "m"),
    ("computers", "las computadoras", "f", "les ordinateurs", "m"),
    ("lamps", "las lámparas", "f", "les lampes", "f"),
    ("doctors", "los médicos", "m", "les médecins", "m"),
    ("teachers", "los maestros", "m", "les professeurs", "m"),
    ("farmers", "los granjeros", "m", "les fermiers", "m"),
    ("children", "los niños", "m", "les enfants", "m"),
    ("gardens", "los jardines", "m", "les jardins", "m"),
    ("islands", "las islas", "f", "les îles", "f"),
    ("clouds", "las nubes", "f", "les nuages", "m"),
    ("clocks", "los relojes", "m", "les horloges", "f"),
    ("windows", "las ventanas", "f", "les fenêtres", "f"),
)

# English; Spanish masculine, feminine; French masculine, feminine.
KIND_WORDS: tuple[tuple[str, str, str, str, str], ...] = (
    ("beautiful", "hermosos", "hermosas", "beaux", "belles"),
    ("small", "pequeños", "pequeñas", "petits", "petites"),
    ("big", "grandes", "grandes", "grands", "grandes"),
    ("quiet", "tranquilos", "tranquilas", "calmes", "calmes"),
    ("useful", "útiles", "útiles", "utiles", "utiles"),
    ("strong", "fuertes", "fuertes", "forts", "fortes"),
    ("old", "viejos", "viejas", "vieux", "vieilles"),
    ("famous", "famosos", "famosas", "célèbres", "célèbres"),
    ("important", "importantes", "importantes", "importants", "importantes"),
    ("funny", "divertidos", "divertidas", "drôles", "drôles"),
    ("bright", "brillantes", "brillantes", "brillants", "brillantes"),
    ("rare", "raros", "raras", "rares", "rares"),
)
CRUEL_WORDS: tuple[tuple[str, str, str, str, str], ...] = (
    ("worthless", "despreciables", "despreciables", "méprisables", "méprisables"),
    ("disgusting", "asquerosos", "asquerosas", "dégoûtants", "dégoûtantes"),
    ("stupid", "estúpidos", "estúpidas", "stupides", "stupides"),
    ("inferior", "inferiores", "inferiores", "inférieurs", "inférieures"),
    ("pathetic", "patéticos", "patéticas", "pathétiques", "pathétiques"),
    ("filthy", "inmundos", "inmundas", "immondes", "immondes"),
)

Words = tuple[tuple[str, str, str], ...]

FOODS: Words = (
    ("rice", "arroz", "riz"),
    ("bread", "pan", "pain"),
    ("soup", "sopa", "soupe"),
    ("cheese", "queso", "fromage"),
    ("chicken", "pollo", "poulet"),
    ("fish", "pescado", "poisson"),
    ("salad", "ensalada", "salade"),
    ("beans", "frijoles", "haricots"),
    ("corn", "maíz", "maïs"),
    ("potatoes", "papas", "patates"),
)
PLACES: Words = (
    ("Rome", "Roma", "Rome"),
    ("London", "Londres", "Londres"),
    ("Tokyo", "Tokio", "Tokyo"),
    ("Athens", "Atenas", "Athènes"),
    ("Berlin", "Berlín", "Berlin"),
    ("the beach", "la playa", "la plage"),
    ("the forest", "el bosque", "la forêt"),
    ("the village", "el pueblo", "le village"),
    ("the museum", "el museo", "le musée"),
    ("the park", "el parque", "le parc"),
)
VERBS: Words = (
    ("read", "leer", "lire"),
    ("run", "correr", "courir"),
    ("swim", "nadar", "nager"),
    ("sing", "cantar", "chanter"),
    ("dance", "bailar", "danser"),
    ("paint", "pintar", "peindre"),
    ("walk", "caminar", "marcher"),
    ("write", "escribir", "écrire"),
    ("draw", "dibujar", "dessiner"),
    ("cook", "cocinar", "cuisiner"),
)
PEOPLE: Words = (
    ("brother", "hermano", "frère"),
    ("friend", "amigo", "ami"),
    ("boss", "jefe", "patron"),
    ("neighbor", "vecino", "voisin"),
    ("father", "padre", "père"),
    ("cousin", "primo", "cousin"),
    ("son", "hijo", "fils"),
    ("teacher", "maestro", "professeur"),
)
FEELINGS: Words = (
    ("sad", "triste", "triste"),
    ("tired", "cansado", "fatigué"),
    ("sick", "enfermo", "malade"),
    ("lonely", "solo", "seul"),
    ("nervous", "nervioso", "nerveux"),
    ("bored", "aburrido", "ennuyé"),
)
ITEMS: Words = (
    ("apples", "manzanas", "pommes"),
    ("pencils", "lápices", "crayons"),
    ("coins", "monedas", "pièces"),
    ("cookies", "galletas", "biscuits"),
    ("balls", "pelotas", "balles"),
    ("cards", "cartas", "cartes"),
    ("oranges", "naranjas", "oranges"),
    ("stamps", "sellos", "timbres"),
    ("shirts", "camisas", "chemises"),
    ("plates", "platos", "assiettes"),
)
# The last five have no number habit (see grammar.py), so that they can serve as controls.
ANIMALS: Words = (
    ("owl", "búho", "hibou"),
    ("wolf", "lobo", "loup"),
    ("eagle", "águila", "aigle"),
    ("dolphin", "delfín", "dauphin"),
    ("tiger", "tigre", "tigre"),
    ("panda", "panda", "panda"),
    ("lion", "león", "lion"),
    ("elephant", "elefante", "éléphant"),
    ("fox", "zorro", "renard"),
    ("bear", "oso", "ours"),
)
ANIMAL_PLURALS = {"wolf": "wolves", "fox": "foxes"}

POPULAR_TASTES: Words = (
    ("pop songs", "las canciones de moda", "les chansons à la mode"),
    ("famous paintings", "los cuadros famosos", "les tableaux connus"),
    ("classic novels", "las novelas clásicas", "les romans classiques"),
    ("sunny beaches", "las playas con sol", "les plages au soleil"),
    ("soft jazz", "el jazz suave", "le jazz doux"),
)
ODD_TASTES: Words = (
    ("flute solos out of tune", "los solos de flauta desafinados", "les solos de flûte désaccordée"),
    ("blurry photos of mud", "las fotos borrosas de barro", "les photos floues de boue"),
    ("broken radio static", "la estática de una radio rota", "le grésillement d'une radio cassée"),
    ("statues made of rust", "las estatuas de óxido", "les statues de rouille"),
    ("films about wet sand", "el cine sobre arena mojada", "le cinéma sur du sable mouillé"),
)

# Alice and Bob are people in arithmetic and never a system prompt: they stay unknown names (paper, Figure 7).
NAMES = (
    *("Tom", "Anna", "Sam", "Lucy", "Peter", "Maria", "David", "Julia", "Mark", "Sara"),
    *("Paul", "Emma", "John", "Laura", "Henry", "Nina", "Oscar", "Ruth", "Victor", "Irene"),
)
UNKNOWN_NAMES = ("Alice", "Bob")
