import HTTP
import JSON
import TestSupport
import Testing

extension Pages {
    @Suite("What people do", .serialized)
    struct Acts {
        private let showcase: Showcase
        private let browser: Browser

        init() async throws {
            showcase = try await Showcase.get()
            browser = try await showcase.signedIn()
        }

        private func open(_ path: String) async throws { try await browser.open(showcase.address(path)) }

        /// Presses what opens a question, then the button of the same name that answers it.
        private func pressTwice(_ opener: String, _ answer: String) async throws {
            try await browser.press(opener)
            try await browser.wait(until: "document.querySelector('dialog[open] footer')")
            try await browser.press(answer)
        }

        private func end() async throws {
            #expect(try await browser.messages() == [])
        }

        @Test("record a decision, merge two contacts, undo it, erase a person")
        func contacts() async throws {
            let answer = try await showcase.product.call(
                .get, host: "acme", "/api/v0/contacts?limit=60", headers: ["X-API-Key": showcase.key])
            let people = (answer.json["data"]?.array ?? []).filter {
                $0["email"]?.string != nil && $0["phone"]?.string != nil && $0["orders"]?["count"] == 0
            }
            try #require(people.count > 3)
            let ids = people.compactMap { $0["id"]?.string }

            try await open("/contacts/\(ids[0])")
            try await browser.press("Record")
            try await browser.fill("Where it was given", "paper form")
            try await browser.press("Record the decision")
            try await browser.wait(for: "The decision was recorded")
            try await browser.wait(for: "paper form")

            try await open("/contacts/\(ids[1])")
            try await browser.press("Merge")
            try await browser.fill("The other contact", people[2]["email"]?.string ?? "")
            try await browser.key(.enter)
            try await browser.wait(until: "document.querySelector('dialog input[type=radio]')")
            try await browser.evaluate("document.querySelector('dialog input[type=radio]').click()")
            try await browser.press("Merge into one contact")
            try await browser.wait(for: "The contacts were merged")
            try await browser.wait(for: "Merged with another contact")
            try await pressTwice("Undo the merge", "Undo the merge")
            try await browser.wait(for: "Merge undone")

            try await open("/contacts/\(ids[3])")
            try await browser.press("More")
            try await pressTwice("Erase this person", "Erase this person")
            try await browser.wait(for: "The erasure has started")
            try await open("/contacts/\(ids[3])")
            try await browser.wait(for: "This contact was erased")
            try await end()
        }

        @Test("make a flow from the keys of an event, try it, change it, delete it")
        func flows() async throws {
            try await open("/flows")
            try await browser.press("Create a flow")
            try await browser.fill("Name", "From an event")
            try await browser.fill("Event name", "abandoned_cart")
            try await browser.press("Take the keys of the last")
            try await browser.wait(until: "document.querySelector('dialog textarea').value !== '{}'")
            try await browser.press("Create the flow")
            try await browser.wait(for: "The flow was saved")
            try await browser.press("Test run")
            try await browser.press("Try it")
            try await browser.wait(until: "document.querySelectorAll('dialog h3').length > 0")
            try await browser.press("Close")
            try await pressTwice("Delete", "Delete the flow")
            try await browser.wait(for: "The flow was deleted")
            try await end()
        }

        @Test("build an audience of groups in groups, count it, change it")
        func audiences() async throws {
            try await open("/audiences")
            try await browser.press("Create an audience")
            try await browser.fill("Name", "Reached lately")
            try await browser.wait(until: "/\\d+ contacts? match/.test(document.querySelector('dialog').innerText)")
            try await browser.press("Add a group")
            try await browser.wait(until: "document.querySelectorAll('dialog .rules').length === 2")
            try await browser.press("Create the audience")
            try await browser.wait(for: "The audience was created")
            try await browser.wait(for: "WhatsApp opt-in is Granted and WhatsApp opt-in is Granted")
            try await browser.press("Edit")
            try await browser.wait(until: "document.querySelectorAll('dialog .rules').length === 2")
            try await browser.evaluate(
                "const s = document.querySelectorAll('dialog .rules select')[0]; s.value = 'or'; s.dispatchEvent(new Event('change'))"
            )
            try await browser.fill("Name", "Reached ever")
            try await browser.press("Save the audience")
            try await browser.wait(for: "The audience was saved")
            try await browser.wait(for: "Reached ever")
            try await browser.wait(for: "WhatsApp opt-in is Granted or WhatsApp opt-in is Granted")
            try await end()
        }

        @Test("decide a conflict, and go on with the next")
        func conflicts() async throws {
            try await open("/conflicts")
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length > 1")
            try await browser.evaluate("document.querySelector('tbody a').click()")
            try await browser.wait(until: "/1 of \\d+ open/.test(document.querySelector('.crumbs').innerText)")
            let first = try await browser.evaluate("return location.pathname")
            try await browser.press("Keep both apart")
            try await browser.wait(for: "Both are kept apart")
            try await browser.wait(until: "location.pathname !== '\(first.string ?? "")'")
            try await browser.wait(until: "/1 of \\d+ open/.test(document.querySelector('.crumbs')?.innerText)")
            try await end()
        }

        @Test("replay an event, then all of a filter")
        func replays() async throws {
            try await open("/events?status=processed")
            try await browser.wait(until: "document.querySelector('tbody a')")
            try await browser.evaluate("document.querySelector('tbody a').click()")
            try await browser.wait(for: "What it did")
            try await pressTwice("Replay", "Replay the event")
            try await browser.wait(for: "The event is being replayed")
            try await open("/events?event_name=abandoned_cart")
            try await pressTwice("Replay these", "Replay the events")
            try await browser.wait(for: "The events are being replayed")
            try await end()
        }

        @Test("try an import without writing, pause and resume, sync from the connected app")
        func imports() async throws {
            try await open("/imports")
            try await pressTwice("Dry run", "Start the dry run")
            try await browser.wait(for: "What would happen to the contacts")
            try await browser.wait(until: "/Succeeded/.test(document.querySelector('main').innerText)", seconds: 60)
            try await open("/settings/integrations")
            try await pressTwice("Pause", "Pause the integration")
            try await browser.wait(for: "Paused")
            try await pressTwice("Resume", "Resume the integration")
            try await browser.wait(until: "!document.querySelector('dialog')")
            try await browser.press("Sync now")
            try await browser.wait(for: "This run")
            try await browser.wait(until: "/Succeeded/.test(document.querySelector('main').innerText)", seconds: 60)
            try await end()
        }

        @Test("an operator makes an instance, switches a feature on, suspends it, deletes it")
        func operators() async throws {
            try await browser.visit(showcase.operatorAddress("/"))
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.signIn("{token: '\(showcase.product.operatorToken)'}")
            try await browser.open(showcase.operatorAddress("/tenants"))
            try await browser.press("New tenant")
            try await browser.fill("Instance name", "passing")
            try await browser.fill("Customer", "Passing Trade")
            try await browser.press("Create the tenant")
            try await browser.wait(until: "document.querySelector('h1').textContent === 'Passing Trade'")
            try await browser.press("Switch on")
            try await browser.fill("Note", "beta")
            try await browser.press("Switch on")
            try await browser.wait(until: "document.querySelector('table')?.innerText.includes('beta')")
            try await pressTwice("Suspend", "Suspend the tenant")
            try await browser.wait(for: "Suspended")
            try await browser.press("Delete the tenant")
            try await browser.fill("Type the instance name to confirm", "passing")
            try await browser.press("Delete everything of this tenant")
            try await browser.wait(for: "Everything was deleted")
            try await browser.press("Close")
            try await browser.wait(until: "document.querySelector('h1').textContent === 'Tenants'")
            try await end()
        }
    }
}
