"""The backend that asks a language model, through the connections of Airflow's common.ai provider."""
