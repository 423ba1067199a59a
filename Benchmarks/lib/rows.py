"""The rows of the table, in the order in which they are measured."""
import audience
import backlog
import get
import growth
import imports
import jobs
import neighbours
import optin
import reporting
import start
import webhook

ALL = [
    ("start and memory", start.measure),
    ("get", get.measure),
    ("webhook", webhook.measure),
    ("contact read", get.measure_contact),
    ("claim", jobs.measure),
    ("import", imports.measure),
    ("import_neighbours", neighbours.measure),
    ("optin", optin.measure),
    ("backlog", backlog.measure),
    ("audience", audience.measure),
    ("growth", growth.measure),
    ("reporting", reporting.measure),
]
