from opticlir.lab.studies.training_cost import missing_trainings


def test_a_training_counts_once(planned, study_file):
    twin = '\n[systems.mse-hybrid]\ntrain = {method = "mse"}\nranking = "hybrid"\n'
    plan = planned(study_file(added=twin))
    cost = missing_trainings(plan.runs)
    assert len(plan.runs) == 12
    assert (cost.trainings, cost.steps, cost.minutes) == (8, 16, 0)
    assert str(cost).startswith("8 trainings are missing: 16 steps and 0 minutes, about 0.0 to 0.0 hours")


def test_without_a_training_there_is_no_cost(planned, study_file):
    assert missing_trainings(()) is None
