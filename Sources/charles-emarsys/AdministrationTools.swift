import API
import EventLoop
import Persistence
import Tenancy

/// What the commands about tenants work with: the database as the serving role, and the master keys.
struct AdministrationTools {
    let database: Database
    let secrets: SecretBox
    let masterKeys: MasterKeys
    let administration: TenantAdministration
    let reporting: ReportingAccess
    let time = SystemTime()

    init() throws {
        var reader = SettingReader(Environment.settings())
        let url = reader.required("DATABASE_URL")
        let keys = reader.masterKeys("CHARLES_MASTER_KEYS")
        let prepares = reader.flag("CHARLES_PREPARED_STATEMENTS")
        guard reader.faults.isEmpty, let url, let keys else {
            throw Failure(reader.faults.map { "\($0.setting) \($0.message)" }.joined(separator: "\n"))
        }
        var configuration = DatabaseConfiguration(url: url)
        configuration.connectionsPerLoop = 2
        configuration.preparesStatements = prepares
        database = try Database(configuration, group: Runner.loops)
        masterKeys = keys
        secrets = SecretBox(database: database, masterKeys: keys, time: time)
        administration = TenantAdministration(database: database, secrets: secrets, time: time)
        reporting = ReportingAccess(
            administration: administration, address: ReportingAddress(connectionString: url))
    }

    /// Who acts, in audit logs.
    static let actor = "command_line"
}
