"""What is left of the data's value.

reading                      how a released column is read for analysis, beside the original's
sides, pairing               original, release, floor and ceiling as rows, arrays and features
threads                      libraries that compute on one thread
univariate, associations     columns one by one, and pair by pair
propensity, two_sample       whether a model tells the tables apart
asked, analyses, formula     what the user names, all of it on both tables, and regressors from it
learners, prediction         what learners trained on the release know about real people
coefficients, survival       regressions and Kaplan-Meier curves on both tables
longitudinal                 events of people over time: counts, times, what follows what
losses                       information loss by every metric of the search
assess                       all of it, and ``utility.json``
"""
