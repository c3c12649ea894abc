use super::*;

/// A private folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("signet-embed-text-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refusal(folder: &Path) -> String {
    let environment = Environment::of([("SIGNET_MODEL_DIR", folder.to_str().unwrap())]);
    match Context::from_environment(&environment) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn has_the_limits_of_the_shared_file() {
    let limits: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../shared/limits.json")).unwrap();
    assert_eq!(limits["embeddings"]["inputs_max"], LIMITS.texts_max);
    assert_eq!(
        limits["body_bytes_max"]["embeddings"],
        LIMITS.text_bytes_max
    );
}

#[test]
fn says_which_file_keeps_it_from_starting() {
    let folder = Folder::new("files");
    assert!(refusal(&folder.0).contains("model.json"));
    fs::write(folder.0.join("model.json"), r#"{"id":"m"}"#).unwrap();
    assert!(refusal(&folder.0).contains("missing field"));
    let facts = |pooling: &str, precisions: &str| {
        format!(
            r#"{{"id":"m","weights_sha256":"00","dimension":3,"max_tokens":8,"pooling":"{pooling}","normalize":true,
                "prefixes":{{}},"output":"o","precisions":[{precisions}],"default_precision":"fp32"}}"#
        )
    };
    fs::write(folder.0.join("model.json"), facts("mean", "")).unwrap();
    assert!(refusal(&folder.0).contains("expected `precision` to be one of"));
    let precision = r#"{"name":"fp32","file":"m.onnx"}"#;
    fs::write(folder.0.join("model.json"), facts("median", precision)).unwrap();
    assert!(refusal(&folder.0).contains("pooling"));
    fs::write(folder.0.join("model.json"), facts("mean", precision)).unwrap();
    let environment = Environment::of([
        ("SIGNET_MODEL_DIR", folder.0.to_str().unwrap()),
        ("SIGNET_ORT_LIB", "/nowhere/libonnxruntime.so.1"),
    ]);
    let Err(error) = Context::from_environment(&environment) else {
        panic!("opened")
    };
    assert!(
        error.to_string().contains("/nowhere/libonnxruntime.so.1"),
        "{error}"
    );
}

#[test]
fn takes_the_only_model_of_the_layers() {
    let models = Folder::new("models");
    assert!(only_folder_in(&models.0).is_err());
    for id in ["a", "b"] {
        fs::create_dir(models.0.join(id)).unwrap();
    }
    fs::write(models.0.join("a/model.json"), "{}").unwrap();
    assert_eq!(only_folder_in(&models.0), Ok(models.0.join("a")));
    fs::write(models.0.join("b/model.json"), "{}").unwrap();
    assert!(
        only_folder_in(&models.0)
            .unwrap_err()
            .to_string()
            .contains("got 2")
    );
}
