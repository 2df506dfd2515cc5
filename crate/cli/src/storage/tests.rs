use pollster::block_on;

use super::*;

fn directory() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap().to_owned();
    (directory, move |name: &str| format!("{root}/{name}"))
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let (_directory, path) = directory();
    let (storage, file) = (FileStorage::new(), path("a/b/file"));
    block_on(async {
        let mut writer = storage.create(&file).await.unwrap();
        writer.write(b"some").await.unwrap();
        assert!(matches!(storage.length(&file).await, Err(Error::NotFound { .. })));
        assert!(storage.list(&path("a/b")).await.unwrap().is_empty());
        writer.write(b" bytes").await.unwrap();
        writer.finish().await.unwrap();
        assert_eq!(storage.read(&file, 5..10).await.unwrap(), b"bytes");

        let mut writer = storage.create(&file).await.unwrap();
        writer.write(b"other").await.unwrap();
        drop(writer);
        assert_eq!(storage.length(&file).await.unwrap(), 10);
        assert_eq!(fs::read_dir(path("a/b")).unwrap().count(), 1);

        storage.write(&file, b"new").await.unwrap();
        assert_eq!(storage.read(&file, 0..3).await.unwrap(), b"new");
    });
}

#[test]
fn files_are_appended_listed_and_removed() {
    let (_directory, path) = directory();
    let storage = FileStorage::new();
    block_on(async {
        storage.append(&path("run/b"), b"1").await.unwrap();
        storage.append(&path("run/b"), b"2").await.unwrap();
        storage.write(&path("run/a/c"), b"").await.unwrap();
        assert_eq!(storage.read(&path("run/b"), 0..2).await.unwrap(), b"12");
        assert_eq!(storage.list(&path("run")).await.unwrap(), ["a", "b"]);
        storage.remove(&path("run/b")).await.unwrap();
        storage.remove(&path("run/b")).await.unwrap();
        assert_eq!(storage.list(&path("run")).await.unwrap(), ["a"]);
        storage.remove(&path("run")).await.unwrap();
        assert!(storage.list(&path("run")).await.unwrap().is_empty());
    });
}

#[test]
fn what_is_not_a_file_is_named() {
    let (_directory, path) = directory();
    let storage = FileStorage::new();
    let (file, inside) = (path("file"), path("file/inside"));
    block_on(async {
        storage.write(&file, b"123").await.unwrap();
        let root = path("");
        let message = |error: Error| error.to_string();
        assert_eq!(
            message(storage.length(&root).await.unwrap_err()),
            format!("{root}: it is a directory, expected a file")
        );
        assert_eq!(
            message(storage.write(&inside, b"").await.unwrap_err()),
            format!("{inside}: a part of this path is a file, expected a directory")
        );
        assert_eq!(
            message(storage.list(&file).await.unwrap_err()),
            format!("{file}: a part of this path is a file, expected a directory")
        );
        assert_eq!(
            message(storage.read(&file, 1..u64::MAX).await.unwrap_err()),
            format!("{file}: bytes 1..{} are beyond its end at 3", u64::MAX)
        );
    });
}
