//! An S3 server of our own making around a real one: a bucket that keeps versions, locks them, or refuses deletions, and one that lies.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::stores::serve;

/// How a bucket behaves, beside what every bucket does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// It keeps versions of what is deleted and overwritten.
    pub(crate) keeps_versions: bool,
    /// A rule of its own deletes those after so many days.
    pub(crate) noncurrent_days: Option<i32>,
    /// Each version is retained until this second since 1970; objects without a checksum are refused.
    pub(crate) retained_until: Option<i64>,
    /// The role may not delete.
    pub(crate) refuses_deletions: bool,
    /// It says that it deletes, and does not.
    pub(crate) keeps_deleted: bool,
    /// It takes no notice of conditions.
    pub(crate) ignores_conditions: bool,
    /// Every page of a list is the first.
    pub(crate) repeats_pages: bool,
}

/// A server with one bucket.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    folder: Arc<TempDir>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("bucket")).expect("a bucket");
        Self::over(Arc::new(folder), manner).await
    }

    /// The same bucket, as somebody else sees it.
    pub(crate) async fn seen(&self, manner: Manner) -> Self {
        Self::over(Arc::clone(&self.folder), manner).await
    }

    async fn over(folder: Arc<TempDir>, manner: Manner) -> Self {
        let files = FileSystem::new(folder.path()).expect("a file system");
        let endpoint = serve(Bucket { files, manner, turn: Arc::default() }).await;
        Self { endpoint, folder }
    }
}

struct Bucket {
    files: FileSystem,
    manner: Manner,
    /// The real one looks whether an object is there, and writes it afterwards.
    turn: Arc<Mutex<()>>,
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let _turn = self.turn.lock().await;
        if self.manner.retained_until.is_some() && request.input.checksum_sha256.is_none() {
            return Err(s3_error!(InvalidRequest, "Object Lock demands a checksum"));
        }
        if self.manner.ignores_conditions {
            request.input.if_none_match = None;
        }
        let mut response = self.files.put_object(request).await?;
        response.output.version_id = self.manner.keeps_versions.then(|| "1".to_owned());
        Ok(response)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.files.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let mut response = self.files.head_object(request).await?;
        let until = self.manner.retained_until.map(|second| {
            std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(second).expect("after 1970"))
        });
        response.output.object_lock_retain_until_date = until.map(Into::into);
        Ok(response)
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        if self.manner.refuses_deletions {
            // As S3 says it: the request is well, and no object is deleted.
            let refused = |object: ObjectIdentifier| Error {
                code: Some("AccessDenied".to_owned()),
                key: Some(object.key),
                message: Some("Access Denied".to_owned()),
                ..Error::default()
            };
            let errors = request.input.delete.objects.into_iter().map(refused).collect();
            let output = DeleteObjectsOutput { errors: Some(errors), ..DeleteObjectsOutput::default() };
            return Ok(S3Response::new(output));
        }
        if self.manner.keeps_deleted {
            let said = |object: ObjectIdentifier| DeletedObject {
                key: Some(object.key),
                ..DeletedObject::default()
            };
            let deleted = Some(request.input.delete.objects.into_iter().map(said).collect());
            return Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }));
        }
        self.files.delete_objects(request).await
    }

    async fn list_objects_v2(
        &self,
        mut request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        if self.manner.repeats_pages {
            request.input.continuation_token = None;
        }
        self.files.list_objects_v2(request).await
    }

    async fn get_bucket_versioning(
        &self,
        _: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let status = self.manner.keeps_versions.then(|| "Enabled".to_owned().into());
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..Default::default() }))
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        _: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let Some(days) = self.manner.noncurrent_days else {
            return Err(s3_error!(NoSuchLifecycleConfiguration));
        };
        let rule = |prefix: &str, days| LifecycleRule {
            abort_incomplete_multipart_upload: None,
            expiration: None,
            filter: Some(LifecycleRuleFilter { prefix: Some(prefix.to_owned()), ..Default::default() }),
            id: None,
            noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                noncurrent_days: Some(days),
                ..Default::default()
            }),
            noncurrent_version_transitions: None,
            prefix: None,
            status: "Enabled".to_owned().into(),
            transitions: None,
        };
        let rules = Some(vec![rule("elsewhere/", 1), rule("some/", days)]);
        Ok(S3Response::new(GetBucketLifecycleConfigurationOutput { rules, ..Default::default() }))
    }

    async fn get_object_lock_configuration(
        &self,
        _: S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
        if self.manner.retained_until.is_none() {
            return Err(s3_error!(ObjectLockConfigurationNotFoundError));
        }
        let retention =
            DefaultRetention { days: Some(30), mode: Some("COMPLIANCE".to_owned().into()), years: None };
        let object_lock_configuration = Some(ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned().into()),
            rule: Some(ObjectLockRule { default_retention: Some(retention) }),
        });
        Ok(S3Response::new(GetObjectLockConfigurationOutput { object_lock_configuration }))
    }
}
