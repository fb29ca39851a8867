"""How well records can be traced back to people, counted or estimated from classes and their people.

class_sizes     prosecutor, journalist and marketer risk of a table's equivalence classes
known_events    the same for an attacker who knows events of linked tables
subsets         how unique people are on every small subset of columns
"""
