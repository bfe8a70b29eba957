"""Words that tests write in people's names. None may be readable anywhere but on their own pages.

tests/test_sweep.py looks for them on the disk when all other tests are done.
"""

# Of the adversarial tests: in a name, a letter's two fields, an answer, an earlier version of a
# letter, a first line, and a hard moment.
NAME, TO, BODY, ANSWER = "Canary-name", "Canary-to", "Canary-body", "Canary-answer"
EARLIER, OPENING, UNSENT = "Canary-earlier", "Canary-opening", "Canary-unsent"
CANARIES = (NAME, TO, BODY, ANSWER, EARLIER, OPENING, UNSENT)

# Of the journeys: parts of what tests/journeys/main_job.py types.
JOURNEY = ("Quillonda", "marzipan", "Vellmoor", "Torvald", "ferry ticket", "Oskarshavn")
