use std::sync::Arc;

use rowkeep_format::tree::{TreeBuilder, decode_node};
use rowkeep_format::{TableKind, TableName};
use rowkeep_repository::{Protection, Repository, create_store};

use super::*;
use crate::capture::chunk::store;

/// A table of so many chunks of which only the nodes are stored; with the chunks, and the nodes of the lowest level with the
/// number of their first chunk.
async fn table(repository: &Repository, chunks: usize) -> (TableEntry, Vec<ChunkRef>, Vec<(ChunkId, usize)>) {
    let keys = repository.content_keys();
    let chunk = |number: usize| ChunkRef {
        id: keys.chunk_id(&number.to_le_bytes()),
        rows: 1,
        bytes: 8,
        first_key: number.to_be_bytes().to_vec(),
    };
    let chunks: Vec<ChunkRef> = (0..chunks).map(chunk).collect();
    let (mut tree, mut nodes) = (TreeBuilder::new(keys), Vec::new());
    chunks.iter().for_each(|chunk| tree.push(chunk.clone(), &mut nodes));
    let root = tree.finish(&mut nodes);
    let writer = repository.writer().await.expect("a writer");
    let (mut lowest, mut first) = (Vec::new(), 0);
    for node in nodes {
        store(keys, &writer, node.id, &node.plain).await.expect("it is stored");
        if let Ok((0, entries)) = decode_node(&node.plain) {
            lowest.push((node.id, first));
            first += entries.len();
        }
    }
    writer.finish().await.expect("it is stored");
    let name = TableName::plain("t");
    let entry = TableEntry { name, kind: TableKind::Table, root, read: None, pages: None, original: None };
    (entry, chunks, lowest)
}

#[tokio::test]
async fn gaps_lie_between_the_chunks_that_are_there() {
    // Where nodes end the repository's own key says, which is random.
    let mut tries = 0;
    let (repository, (entry, chunks, lowest)) = loop {
        let store = create_store("memory://", &[]).expect("it needs nothing");
        let repository =
            Repository::init(store, Protection::Unencrypted).await.expect("a repository is made");
        let made = table(&repository, 1000).await;
        if made.0.root.levels == 2 && made.2.len() > 3 {
            break (repository, made);
        }
        tries += 1;
        assert!(tries < 100, "no tree has two levels");
    };
    let reader = Arc::new(repository.reader().await.expect("a reader"));
    let at = |number: usize| Some(chunks[number].clone());
    let found = async |lost: &[ChunkId]| {
        let lost = lost.iter().copied().collect();
        gaps(&reader, &entry, &lost).await.expect("it can be walked")
    };
    let of =
        |numbers: std::ops::Range<usize>| chunks[numbers].iter().map(|chunk| chunk.id).collect::<Vec<_>>();

    assert_eq!(found(&[]).await, Some(Vec::new()));
    let middle = Gap { after: at(6), before: at(9), before_node: None };
    let first = Gap { after: None, before: at(1), before_node: None };
    let last = Gap { after: at(998), before: None, before_node: None };
    let several = [of(0..1), of(7..9), of(999..1000)].concat();
    assert_eq!(found(&several).await, Some(vec![first, middle, last]));

    // A lost node, with the last chunks of the node before it and the first of the one behind.
    let (node, begin) = lowest[1];
    let end = lowest[2].1;
    let gap = Gap { after: at(begin - 1), before: at(end), before_node: Some(0) };
    assert_eq!(found(&[node]).await, Some(vec![gap]));
    let with_neighbours = [vec![node], of(begin - 3..begin), of(end..end + 2)].concat();
    let gap = Gap { after: at(begin - 4), before: at(end + 2), before_node: Some(3) };
    assert_eq!(found(&with_neighbours).await, Some(vec![gap]));
    let gap = Gap { after: None, before: at(lowest[2].1), before_node: Some(0) };
    assert_eq!(found(&[lowest[0].0, lowest[1].0]).await, Some(vec![gap]));

    // Nobody knows what was below the root.
    assert_eq!(found(&[entry.root.hash]).await, None);
}
