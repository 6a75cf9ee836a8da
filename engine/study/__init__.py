"""The paper's experiment on anybody's data: which scales, which modalities, and does it pay?"""
