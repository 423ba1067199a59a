/// Words that simulated contacts are made of; the plain lists spell the others in ASCII, entry by entry.
enum Names {
    static let first: [StaticString] = [
        "Anna", "Björn", "Çelik", "Dörte", "Émile", "Finn", "Greta", "Hannah", "Ines", "Jürgen", "Käthe", "Leon", "Mia",
        "Noah", "Özlem", "Paul", "Quirin", "Renée", "Søren", "Theo", "Ute", "Valentina", "Wiebke", "Xaver", "Yusuf",
        "Zoë", "Łukasz", "Anne-Marie", "Jean Luc", "O\u{2019}Shea",
    ]
    static let plainFirst: [StaticString] = [
        "anna", "bjoern", "celik", "doerte", "emile", "finn", "greta", "hannah", "ines", "juergen", "kaethe", "leon",
        "mia", "noah", "oezlem", "paul", "quirin", "renee", "soeren", "theo", "ute", "valentina", "wiebke", "xaver",
        "yusuf", "zoe", "lukasz", "anne-marie", "jean.luc", "oshea",
    ]
    static let last: [StaticString] = [
        "Müller", "Schmidt", "Schneider", "Fischer", "Weiß", "Meyer", "Wagner", "Becker", "Schulz", "Hoffmann",
        "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann", "Schwarz", "Zimmermann", "Braun",
        "Krüger", "Hofmann", "Hartmann", "Lange", "Yılmaz", "Kowalski", "von der Heide", "García", "D\u{2019}Angelo",
    ]
    static let plainLast: [StaticString] = [
        "mueller", "schmidt", "schneider", "fischer", "weiss", "meyer", "wagner", "becker", "schulz", "hoffmann",
        "schaefer", "koch", "bauer", "richter", "klein", "wolf", "schroeder", "neumann", "schwarz", "zimmermann",
        "braun", "krueger", "hofmann", "hartmann", "lange", "yilmaz", "kowalski", "vonderheide", "garcia", "dangelo",
    ]
    static let cities: [StaticString] = [
        "Berlin", "Hamburg", "München", "Köln", "Frankfurt am Main", "Wien", "Graz", "Zürich", "Leipzig", "Düsseldorf",
    ]
    static let plainCities: [String] = ["Mitte", "Altona", "Schwabing", "Ehrenfeld", "Bornheim", "Neubau", "Gries"]
    static let streets: [StaticString] = [
        "Gartenstraße", "Hauptstraße", "Am Markt", "Lindenallee", "Bahnhofstraße", "Schloßweg",
        "Rue de l\u{2019}Église",
    ]
}
