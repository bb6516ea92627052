"""Who and what the examples are about: Ada founds an organization, imports a course about Stoa and learns from it.

Ids are as old as what they name: a UUIDv7 begins with its time.
"""

from typing import Final

#: Runs the platform; the others use it.
OPERATOR: Final = "01978b5d-60c8-7d4e-b3a1-58f20c96e7b4"
ADA: Final = "0197a3c2-5b0e-7c31-a2f4-1d6b8e09c5a7"
BOB: Final = "0197a3c4-11d2-7a90-8f3e-5c7d21b604e9"
SESSION: Final = "0197a3c3-02aa-7f15-9b6c-80e4d7a1f532"
API_KEY: Final = "0197a3cb-6d20-7c84-9e1f-52b07a3dc816"
ORGANIZATION: Final = "0197a3c2-5b14-7d02-b1c8-3e9f60a47d18"
COURSE: Final = "0197a3d1-7c40-7b6a-8e25-94d0c1f7a36b"
LESSON: Final = "0197a3d1-7c52-7e0f-a947-2b6d58c3e180"
QUIZ: Final = "0197a3d1-7c5b-7312-9d84-c06fe2a7b491"
QUESTIONS: Final = ("0197a3d1-7c60-7a48-b53d-e1f7409c2d86", "0197a3d1-7c61-70c9-86fa-5d2e93b1047c")
ENROLLMENT: Final = "0197a3e0-2f19-7d73-9ac0-46b8e5d1f20e"
ATTEMPT: Final = "0197a3f2-90d4-7158-8c7b-d3a60e9f1b42"
GENERATION: Final = "0197a3f8-4be6-7c0d-a1e9-70f5c28d3b96"
USAGE: Final = "0197a3f8-4c31-7b82-95d4-0e6a9fc7b153"

#: Really sealed, with a key that was made up and thrown away.
SEALED_EMAIL: Final = {
    "enc": "A256GCM",
    "kid": "0197a3c2-5b10-7e41-9c0d-6f2f1d9a7b21",
    "ct": "eVoOZA7y-4Aibc9zUJ9F9chA5Liho-cNbmcM_TmjFB6kH3yiiuWcFBZQhl1FMP8OqxiV",
}
SEALED_NAME: Final = {
    "enc": "A256GCM",
    "kid": "0197a3c2-5b10-7e41-9c0d-6f2f1d9a7b21",
    "ct": "--iROjNrmfubNEXQfGd1q3EPchitQS6osrdcBJ-Y_dANu_SAk1MJICOf",
}
SEALED_ADDRESS: Final = {
    "enc": "A256GCM",
    "kid": "01978b5d-60d1-7b02-8e4c-93a5f7d1c026",
    "ct": "G18APxDIPG0UmVmJU3pQdpeZ9aQgotQOOUTTAhvlKjvKgtA1xHIMCyMe",
}
SEALED_AGENT: Final = {
    "enc": "A256GCM",
    "kid": "01978b5d-60d1-7b02-8e4c-93a5f7d1c026",
    "ct": "m5kPi4f4cLSQc4JSezLINwHxTiPJYdJhD8xgTd_3ylaSySsjtYwUB_lmtmD0hulb",
}
