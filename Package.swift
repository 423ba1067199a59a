// swift-tools-version: 6.2
import PackageDescription

// Upcoming features, each with the proposal that defines it:
// ExistentialAny                  https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
// MemberImportVisibility          https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
// NonisolatedNonsendingByDefault  https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "charles-emarsys",
    products: [.executable(name: "charles-emarsys", targets: ["charles-emarsys"])],
    targets: [
        // C, as Swift sees it.
        .target(name: "CSystem"),
        .target(name: "CAssets"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // Rooms, from the ground up: a target depends only on those above it in this list.
        .target(name: "JSON"),
        .target(name: "Crypto", dependencies: ["JSON", "COpenSSL"]),
        .target(name: "EventLoop", dependencies: ["CSystem"]),
        .target(name: "HTTP", dependencies: ["EventLoop", "JSON", "COpenSSL", "CSystem"]),
        .target(name: "Persistence", dependencies: ["EventLoop", "CPostgres", "CAssets", "Crypto"]),
        .target(name: "Emarsys", dependencies: ["HTTP", "EventLoop", "JSON", "Crypto"]),
        .target(name: "Tenancy", dependencies: ["Persistence", "Emarsys", "HTTP", "EventLoop", "JSON", "Crypto"]),
        .target(
            name: "API",
            dependencies: ["Tenancy", "Persistence", "Emarsys", "HTTP", "EventLoop", "JSON", "Crypto", "CAssets"],
            exclude: ["Web"]),
        .target(name: "Sandbox", dependencies: ["HTTP", "EventLoop", "JSON", "Crypto"]),
        .executableTarget(
            name: "charles-emarsys",
            dependencies: [
                "API", "Tenancy", "Persistence", "Sandbox", "Emarsys", "HTTP", "EventLoop", "JSON", "Crypto",
            ]),

        .target(
            name: "TestSupport",
            dependencies: ["API", "Tenancy", "Persistence", "Sandbox", "HTTP", "EventLoop", "JSON", "Crypto"],
            path: "Tests/TestSupport"),
        .testTarget(name: "CryptoTests", dependencies: ["Crypto", "JSON", "TestSupport"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"]),
        .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "TestSupport"]),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "TestSupport"]),
        .testTarget(name: "PersistenceTests", dependencies: ["Persistence", "EventLoop", "TestSupport"]),
        .testTarget(name: "EmarsysTests", dependencies: ["Emarsys", "Sandbox", "TestSupport"]),
        .testTarget(
            name: "TenancyTests",
            dependencies: ["Tenancy", "Persistence", "HTTP", "EventLoop", "JSON", "Crypto", "TestSupport"]),
        .testTarget(name: "APITests", dependencies: ["API", "Emarsys", "Sandbox", "TestSupport", "charles-emarsys"]),
        .testTarget(
            name: "DeployTests",
            dependencies: ["TestSupport", "HTTP", "Persistence", "Crypto", "JSON", "charles-emarsys"]),
        .testTarget(
            name: "PagesTests", dependencies: ["TestSupport", "API", "HTTP", "JSON", "charles-emarsys"],
            exclude: ["audit.js", "english.js"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system && target.name != "CSystem" {
    target.swiftSettings = settings
}
