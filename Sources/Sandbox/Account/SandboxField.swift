/// A field of the simulated account.
struct SandboxField: Sendable {
    var id: Int
    var name: String
    var german: String
    var type: String
    var stringID: String
    var choices: [(id: String, english: String, german: String)] = []
    var isReadOnly = false

    var capacity: Int? {
        switch type {
        case "shorttext", "fax": 60
        case "longtext", "url": 255
        case "largetext": 1000
        case "numeric": 24
        default: nil
        }
    }

    /// All fields: the system ones every account has, and this account's own.
    static let all: [SandboxField] = system + custom

    static let byID: [Int: SandboxField] = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

    private static func field(
        _ id: Int, _ name: String, _ german: String, _ type: String, _ stringID: String = "", readOnly: Bool = false,
        _ choices: [(String, String, String)] = []
    ) -> SandboxField {
        SandboxField(
            id: id, name: name, german: german, type: type, stringID: stringID,
            choices: choices.map { (id: $0.0, english: $0.1, german: $0.2) }, isReadOnly: readOnly)
    }

    private static let system: [SandboxField] = [
        field(
            0, "Interests", "Interessen", "interests", "interests", readOnly: true,
            [("1", "Fashion", "Mode"), ("2", "Sports", "Sport"), ("3", "Travel", "Reisen")]),
        field(1, "First Name", "Vorname", "shorttext", "first_name"),
        field(2, "Last Name", "Nachname", "shorttext", "last_name"),
        field(3, "E-Mail", "E-Mail", "longtext", "email"),
        field(4, "Date of Birth", "Geburtsdatum", "birthdate", "birth_date"),
        field(
            5, "Gender", "Geschlecht", "singlechoice", "gender",
            [("1", "Male", "Männlich"), ("2", "Female", "Weiblich")]),
        field(
            6, "Marital Status", "Familienstand", "singlechoice", "marital_status",
            [("1", "Single", "Ledig"), ("2", "Married", "Verheiratet"), ("3", "Divorced", "Geschieden")]),
        field(7, "Children", "Kinder", "singlechoice", "children", [("1", "Yes", "Ja"), ("2", "No", "Nein")]),
        field(8, "Education", "Ausbildung", "singlechoice", "education", [("1", "School", "Schule")]),
        field(
            9, "Title", "Titel", "singlechoice", "title",
            [("1", "Mr.", "Herr"), ("2", "Mrs.", "Frau"), ("4", "Dr.", "Dr."), ("5", "Prof.", "Prof.")]),
        field(10, "Address", "Adresse", "longtext", "address"),
        field(11, "City", "Ort", "longtext", "city"),
        field(12, "State", "Bundesland", "longtext", "state"),
        field(13, "ZIP Code", "PLZ", "shorttext", "zip"),
        field(
            14, "Country", "Land", "singlechoice", "country",
            [("10", "Austria", "Österreich"), ("65", "Germany", "Deutschland"), ("168", "Switzerland", "Schweiz")]),
        field(15, "Phone", "Telefon", "shorttext", "phone"),
        field(16, "Fax", "Fax", "fax", "fax"),
        field(17, "Job Position", "Position", "singlechoice", "company_position", [("1", "Manager", "Leitung")]),
        field(18, "Company", "Firma", "longtext", "company_name"),
        field(19, "Department", "Abteilung", "singlechoice", "company_department", [("1", "Sales", "Vertrieb")]),
        field(20, "Industry", "Branche", "singlechoice", "company_industry", [("1", "Retail", "Handel")]),
        field(21, "Phone (office)", "Telefon (Büro)", "shorttext", "company_phone"),
        field(22, "Fax (office)", "Fax (Büro)", "fax", "company_fax"),
        field(23, "Number of Employees", "Mitarbeiter", "singlechoice", "company_employees", [("1", "1-10", "1-10")]),
        field(24, "Annual Revenue", "Jahresumsatz", "singlechoice", "company_annual_revenue", [("1", "< 1M", "< 1M")]),
        field(25, "URL", "URL", "url", "url"),
        field(
            26, "Preferred e-mail format", "Bevorzugtes Format", "singlechoice", "preferred_email_format",
            [("1", "HTML", "HTML"), ("2", "Text", "Text")]),
        field(27, "Avg. length of visit (minutes)", "Besuchsdauer", "special", "avg_visit_duration", readOnly: true),
        field(28, "Page views per day", "Seiten pro Tag", "special", "page_views_per_day", readOnly: true),
        field(29, "Days since last e-mail", "Tage seit Mail", "special", "days_since_last_email", readOnly: true),
        field(30, "Response rate", "Antwortrate", "special", "response_rate", readOnly: true),
        field(31, "Opt-In", "Opt-In", "singlechoice", "optin", [("1", "True", "Wahr"), ("2", "False", "Falsch")]),
        field(32, "User status", "Status", "special", "user_status", readOnly: true),
        field(33, "Contact source", "Quelle", "special", "source", readOnly: true),
        field(34, "Contact form", "Formular", "special", "form", readOnly: true),
        field(
            35, "Registration Language", "Sprache", "singlechoice", "registration_language",
            [("1", "German", "Deutsch"), ("2", "English", "Englisch")]),
        field(36, "Newsletter", "Newsletter", "multichoice", "newsletter", [("1", "Weekly", "Wöchentlich")]),
        field(37, "Mobile", "Mobiltelefon", "shorttext", "mobile"),
        field(38, "First Name of Partner", "Vorname Partner", "shorttext", "partner_first_name"),
        field(39, "Birthdate of Partner", "Geburtstag Partner", "birthdate", "partner_birth_date"),
        field(40, "Anniversary", "Jahrestag", "date", "anniversary"),
        field(41, "Company Address", "Firmenadresse", "longtext", "company_address"),
        field(42, "ZIP Code (office)", "PLZ (Büro)", "shorttext", "company_zip"),
        field(43, "City (office)", "Ort (Büro)", "longtext", "company_city"),
        field(44, "State (office)", "Bundesland (Büro)", "longtext", "company_state"),
        field(
            45, "Country (office)", "Land (Büro)", "singlechoice", "company_country", [("65", "Germany", "Deutschland")]
        ),
        field(
            46, "Salutation", "Anrede", "singlechoice", "salutation",
            [
                ("1", "Mr", "Herr"), ("2", "Ms", "Frau"), ("4", "Family", "Familie"), ("5", "Company", "Firma"),
                ("6", "Mx", "Mx"),
            ]),
        field(
            47, "E-mail valid", "E-Mail gültig", "singlechoice", "email_valid",
            [("1", "Yes", "Ja"), ("2", "No", "Nein")]),
        field(48, "Date of first registration", "Registriert am", "date", "registration_date", readOnly: true),
    ]

    private static let custom: [SandboxField] =
        [
            field(501, "WhatsApp opt-in", "WhatsApp Opt-in", "shorttext"),
            field(502, "WhatsApp opt-in time", "WhatsApp Opt-in Zeitpunkt", "shorttext"),
            field(
                503, "Loyalty tier", "Treuestufe", "singlechoice", "",
                [
                    ("1", "Bronze", "Bronze"), ("2", "Silver", "Silber"), ("3", "Gold", "Gold"),
                    ("4", "Platinum", "Platin"),
                ]),
            field(
                504, "Favourite categories", "Lieblingskategorien", "multichoice", "",
                [
                    ("11", "Shoes", "Schuhe"), ("12", "Coats", "Mäntel"), ("13", "Bags", "Taschen"),
                    ("14", "Watches", "Uhren"), ("15", "Outdoor", "Outdoor"), ("16", "Home", "Wohnen"),
                ]),
            field(505, "Loyalty points", "Treuepunkte", "numeric"),
            field(506, "Last store visit", "Letzter Besuch", "date"),
            field(507, "Favourite store", "Lieblingsfiliale", "longtext"),
            field(508, "Style profile", "Stilprofil", "largetext"),
            field(509, "Customer number", "Kundennummer", "shorttext"),
            field(510, "Profile page", "Profilseite", "url"),
            field(511, "Voucher", "Gutschein", "voucher", "", readOnly: true),
            field(512, "Shoe size", "Schuhgröße", "numeric"),
            field(513, "Wedding day", "Hochzeitstag", "date"),
            field(514, "Call allowed", "Anruf erlaubt", "singlechoice", "", [("1", "Yes", "Ja"), ("2", "No", "Nein")]),
        ] + (515...530).map { field($0, "Trait \($0 - 514)", "Merkmal \($0 - 514)", "shorttext") }
}
