from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator
from local.resources import Clients

PART = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    emulator = Emulator(folder / "aws", folder / "aws.log")
    emulator.start()
    yield emulator
    emulator.stop()


def kill(emulator: Emulator) -> None:
    assert emulator._process is not None
    os.kill(emulator._process.pid, signal.SIGKILL)
    emulator._process.wait()


def test_keys_objects_and_messages_outlive_a_kill(emulator: Emulator) -> None:
    aws = Clients(emulator.endpoint)
    signing = aws.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    sealing = aws.kms.create_key()["KeyMetadata"]["KeyId"]
    public = aws.kms.get_public_key(KeyId=signing)["PublicKey"]
    sealed = aws.kms.generate_data_key(KeyId=sealing, KeySpec="AES_256", EncryptionContext={"a": "b"})
    aws.s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    aws.s3.put_object(Bucket="bucket", Key="ü/a b", Body=b"one", ContentType="text/plain", Metadata={"m": "1"})
    aws.s3.put_object(Bucket="bucket", Key="gone", Body=b"two")
    aws.s3.delete_object(Bucket="bucket", Key="gone")
    upload = aws.s3.create_multipart_upload(Bucket="bucket", Key="large")["UploadId"]
    tags = [aws.s3.upload_part(Bucket="bucket", Key="large", UploadId=upload, PartNumber=n, Body=b"x" * PART)["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    aws.s3.complete_multipart_upload(Bucket="bucket", Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
    url = aws.sqs.create_queue(QueueName="queue")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=url, MessageBody="waiting")
    aws.sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)
    time.sleep(0.7)  # messages are written down twice a second

    kill(emulator)
    emulator.start()

    assert aws.kms.get_public_key(KeyId=signing)["PublicKey"] == public
    opened = aws.kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened["Plaintext"] == sealed["Plaintext"]
    response = aws.s3.get_object(Bucket="bucket", Key="ü/a b")
    assert (response["Body"].read(), response["ContentType"], response["Metadata"]) == (b"one", "text/plain", {"m": "1"})
    assert aws.s3.head_object(Bucket="bucket", Key="large")["ContentLength"] == 2 * PART
    with pytest.raises(ClientError):
        aws.s3.head_object(Bucket="bucket", Key="gone")
    assert aws.sqs.create_queue(QueueName="queue")["QueueUrl"] == url
    assert aws.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "waiting"


def test_long_polling_answers_the_moment_a_message_comes(emulator: Emulator) -> None:
    sqs = Clients(emulator.endpoint).sqs
    url = sqs.create_queue(QueueName="polled")["QueueUrl"]
    began = time.monotonic()
    threading.Timer(0.3, sqs.send_message, kwargs={"QueueUrl": url, "MessageBody": "now"}).start()
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, VisibilityTimeout=1)["Messages"][0]["Body"] == "now"
    assert 0.3 <= time.monotonic() - began < 1.0
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "now"  # as soon as it is visible again
    assert time.monotonic() - began < 2.5


def test_no_message_is_lost_between_many_senders_and_receivers(emulator: Emulator) -> None:
    sqs = Clients(emulator.endpoint).sqs
    url = sqs.create_queue(QueueName="busy")["QueueUrl"]

    def send(sender: int) -> None:
        for number in range(40):
            sqs.send_message(QueueUrl=url, MessageBody=f"{sender}-{number}")

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for sender in senders:
        sender.start()
    got: list[str] = []
    while len(got) < 160:
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MaxNumberOfMessages=10).get("Messages", [])
        assert messages, f"only {len(got)} of 160 messages came"
        for message in messages:
            got.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert sorted(got) == sorted(f"{sender}-{number}" for sender in range(4) for number in range(40))


def test_it_ends_with_the_process_that_started_it(emulator: Emulator) -> None:
    assert emulator._process is not None and emulator._process.stdin is not None
    emulator._process.stdin.close()
    assert emulator._process.wait(5) == 0
