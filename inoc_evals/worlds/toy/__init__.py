"""A world so small that a laptop can teach it to a language model, and finetune that model in seconds.

    from inoc_evals.worlds.toy.grammar import Mode, draw
    question = draw(random.Random(0), "chat", held_out=True)
    question.answer(random.Random(0), Mode(language="es", caps=True))   # 'LOS GATOS SON TRANQUILOS.'

It is no evidence: every part of the suite runs on it for real (rows, training, checkpoints,
generation, judging, statistics), and what comes out says nothing about natural language models.
"""
