"""Patients with their events: the patients first, then how many events, then one event after the other.

histories  what is learned from: patients, and their events in tables
timeline   events in order, times as what lies between them, and back
sequences  one table's events, each drawn given the patient and the event before
linked     all of it: fitted, and drawn as linked tables
"""
