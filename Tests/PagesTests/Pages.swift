import TestSupport
import Testing

/// The pages in a real browser, one suite after the other: browser, service and database share the machine.
@Suite("Pages", .serialized, .enabled(if: Browser.isInstalled, "Chromium and its driver are not installed"))
enum Pages {}
