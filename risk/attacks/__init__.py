"""What an attacker gains from a published table, measured by attacking it.

marks           the floor and the ceiling of every attack's figure
matching        who agrees with whom, counted exactly
intervals       intervals of shares where people, not records, are independent
singling_out    replicated uniques; predicates that hold for one person
linkage         whose row is it, known from outside with stated quality
votes           the majority of a class, with and without somebody's rows
code_sets       sets of codes under common numbers
answers         whether the majority's answer about a person is right
guessing        looking a value up by what is known of a person
inference       DiSCO; guessing a sensitive value, above what is guessed without the person
neighbourhood   the real records that a release was made from, to be searched for the nearest one
copies          rows that are a real person's row, or nearly so
extremes        extremes and rare values that are shown again
cone            the Cone of Privacy: nearer to somebody than the people around that one are
closest         the distance to the closest record, a diagnostic
targets         whom a membership attack is tried on, and who is most isolated
scores          how much a record looks as if it had been in the data: four attackers
likelihood      a table's distribution as a tree of dependences
shadows         an attacker who fits the generator again, with a person and without
matches         what a person's own rows add to an anonymised table
claims          how often somebody is claimed rightly, at a stated rate of wrong claims
membership      who was in the data: the attack chosen on some people, reported on others
minimality      what follows from no finer table having done, by drawing worlds
    battery         all of them on one table
"""
