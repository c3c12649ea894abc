// What CloudFormation does not do itself: it deletes no bucket that holds something.
/**
 * Deletes a stack; where AWS refuses because of what is in its bucket, empties that and deletes again. The bucket is not
 * emptied before: only that AWS began to delete it says that the stack as it was deployed does not keep its data.
 * @param {object} request
 * @param {() => Promise<unknown>} request.destroy
 * @param {string | undefined} request.bucket undefined where nobody here knows its name
 * @param {(bucket: string) => Promise<number>} request.empty how many versions it deleted
 * @param {(line: string) => void} request.say
 */
export async function destroyWithBucket({ destroy, bucket, empty, say }) {
  try {
    await destroy();
  } catch (error) {
    if (error.interrupted || !/bucket[^\n]* is not empty|BucketNotEmpty/i.test(error.message)) throw error;
    if (bucket === undefined) {
      throw new Error(
        'the bucket of the stage is not empty and its name is not known here: empty it, then destroy again',
        {
          cause: error,
        },
      );
    }
    say(`  AWS deletes no bucket that holds something: emptying ${bucket}`);
    say(`  ${await empty(bucket)} versions of objects deleted`);
    await destroy();
  }
}

/**
 * Deletes every version of every object, and every mark of a deleted one.
 * @param {object} request
 * @param {import('@aws-sdk/client-s3').S3Client} request.client
 * @param {string} request.bucket
 * @returns {Promise<number>} how many
 */
export async function emptyBucket({ client, bucket }) {
  const { DeleteObjectsCommand, ListObjectVersionsCommand } = await import('@aws-sdk/client-s3');
  let count = 0;
  for (;;) {
    // Always the first page: what it lists is gone when the next is asked for.
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return count;
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first !== undefined) throw new Error(`S3 did not delete \`${first.Key}\` of ${bucket}: ${first.Code}`);
    count += Objects.length;
  }
}
