"""How well records can be traced back to people, counted or estimated from classes and their people.

class_sizes       prosecutor, journalist and marketer risk of a table's equivalence classes
population        journalist and marketer risk where the population's size is known
uniqueness        how many are unique in the population, by the models of the criterion
known_events      risk from an attacker who knows events of linked tables
subsets           how unique people are on every small subset of columns
separation        how well every small subset tells records apart: distinction and separation
special_uniques   records unique on few columns: SUDA, DIS
copula            how likely a claimed match is right, by a Gaussian copula
normal_cells      the integrals it needs
beliefs           the l, t, beta and delta that classes reach, and what may be believed of a sensitive value
"""
