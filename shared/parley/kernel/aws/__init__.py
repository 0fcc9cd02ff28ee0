"""Calls to AWS: signed requests without boto3 (SigV4), boto3's clients, small objects in S3, credentials of one organization; the
only importer of boto3.
"""
