"""What an attacker gains from a published table, measured by attacking it.

    marks           the floor and the ceiling of every attack's figure
    matching        who agrees with whom, counted exactly
    intervals       intervals of shares where people, not records, are independent
    singling_out    replicated uniques; predicates that hold for one person
    linkage         whose row is it, known from outside with stated quality
    inference       DiSCO; guessing a sensitive value, above what is guessed without the person
"""
