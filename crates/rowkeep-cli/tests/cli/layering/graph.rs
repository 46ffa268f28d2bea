//! Which file of a crate imports from which: read from the source text, without building anything.
//!
//! A file imports from the file in which an item is defined, whatever re-exports lie on the way. Declarations of modules
//! and re-exports alone are no imports; neither is anything under `#[cfg(test)]`.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

/// A module by its path from the root of its crate; the root itself is empty.
type Module = Vec<String>;

/// The imports between the files of one crate, each file by the path of its module.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

/// What a file says, as far as imports go.
#[derive(Default)]
struct File {
    /// Modules that are declared here, other than for tests.
    children: BTreeSet<String>,
    /// Names that other modules get through this one, and where they lead.
    exports: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names other modules get through this one.
    globs: Vec<Vec<String>>,
    /// Paths that the file itself uses.
    paths: Vec<Vec<String>>,
    /// Names that stand by themselves; of interest where the file re-exports one and uses it too.
    names: BTreeSet<String>,
}

impl Graph {
    /// Reads the files of a crate, given as paths relative to its `src` with their text.
    ///
    /// Files that no `mod` reaches, or only one for tests, are left out.
    pub(crate) fn read(sources: &BTreeMap<String, String>) -> Self {
        let root = ["lib.rs", "main.rs"].into_iter().find(|name| sources.contains_key(*name));
        let mut files = BTreeMap::new();
        let mut waiting = vec![(Module::new(), root.expect("a crate has a root").to_owned())];
        while let Some((module, path)) = waiting.pop() {
            let Some(text) = sources.get(&path) else { continue };
            let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let file = File::of(&syntax);
            for child in &file.children {
                let module: Module = module.iter().chain([child]).cloned().collect();
                let path = format!("{}.rs", module.join("/"));
                waiting.push((module, path));
            }
            files.insert(module, file);
        }
        let mut graph = Self::default();
        for (module, file) in &files {
            let through = file.names.iter().filter_map(|name| file.exports.get(name));
            let paths = file.paths.iter().chain(through);
            let found = paths.filter_map(|path| definition(&files, module, path, 0));
            let imports = found.filter(|found| found != module).collect();
            graph.imports.insert(module.clone(), imports);
        }
        graph
    }

    /// All imports, as pairs of the importing and the imported module.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (&[String], &[String])> {
        self.imports.iter().flat_map(|(from, to)| to.iter().map(move |to| (from.as_slice(), to.as_slice())))
    }

    /// The circles: sets of files, each of which can be reached from each other by imports.
    pub(crate) fn circles(&self) -> Vec<BTreeSet<String>> {
        let reach: BTreeMap<&Module, BTreeSet<&Module>> =
            self.imports.keys().map(|module| (module, self.reachable(module))).collect();
        let mut circles = BTreeSet::new();
        for (module, reached) in &reach {
            if reached.contains(module) {
                let back = |other: &&&Module| reach.get(**other).is_some_and(|there| there.contains(module));
                circles.insert(reached.iter().filter(back).map(|module| name(module)).collect());
            }
        }
        circles.into_iter().collect()
    }

    fn reachable<'a>(&'a self, from: &Module) -> BTreeSet<&'a Module> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&Module> = self.imports[from].iter().collect();
        while let Some(module) = waiting.pop() {
            if reached.insert(module) {
                waiting.extend(self.imports.get(module).into_iter().flatten());
            }
        }
        reached
    }
}

/// A module for people: `postgres::read::view`.
pub(crate) fn name(module: &[String]) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// The module that defines what a path leads to; nothing where that is outside the crate.
fn definition(
    files: &BTreeMap<Module, File>,
    within: &[String],
    path: &[String],
    depth: usize,
) -> Option<Module> {
    assert!(depth < 32, "re-exports that lead to themselves: {path:?} in {}", name(within));
    let mut module = within.to_vec();
    let mut rest = path;
    let mut anchored = false;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => {
                module.pop();
            }
            _ => break,
        }
        (rest, anchored) = (others, true);
    }
    while let Some((first, others)) = rest.split_first() {
        let file = files.get(&module)?;
        if file.children.contains(first) {
            module.push(first.clone());
        } else if let Some(target) = file.exports.get(first) {
            let target: Vec<String> = target.iter().chain(others).cloned().collect();
            return definition(files, &module, &target, depth + 1);
        } else {
            let through = file.globs.iter().find_map(|glob| {
                let there = definition(files, &module, glob, depth + 1)?;
                let other = files.get(&there)?;
                let known = other.children.contains(first) || other.exports.contains_key(first);
                known.then(|| definition(files, &there, rest, depth + 1)).flatten()
            });
            return through.or_else(|| anchored.then_some(module));
        }
        (rest, anchored) = (others, true);
    }
    anchored.then_some(module)
}

impl File {
    fn of(syntax: &syn::File) -> Self {
        let mut file = Self::default();
        file.visit_file(syntax);
        file
    }

    fn take_use(&mut self, tree: &syn::UseTree, mut path: Vec<String>, exported: bool) {
        match tree {
            syn::UseTree::Path(next) => {
                path.push(next.ident.to_string());
                self.take_use(&next.tree, path, exported);
            }
            syn::UseTree::Name(last) if last.ident == "self" => {
                let name = path.last().cloned().unwrap_or_default();
                self.take_name(name, path, exported);
            }
            syn::UseTree::Name(last) => {
                path.push(last.ident.to_string());
                self.take_name(last.ident.to_string(), path, exported);
            }
            syn::UseTree::Rename(last) => {
                path.push(last.ident.to_string());
                self.take_name(last.rename.to_string(), path, exported);
            }
            syn::UseTree::Glob(_) if exported => self.globs.push(path),
            syn::UseTree::Glob(_) => self.paths.push(path),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(tree, path.clone(), exported);
                }
            }
        }
    }

    fn take_name(&mut self, name: String, path: Vec<String>, exported: bool) {
        if exported {
            self.exports.insert(name, path);
        } else {
            self.paths.push(path);
        }
    }

    /// Paths in the unparsed text of a macro.
    fn take_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.take_path(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                proc_macro2::TokenTree::Group(group) => {
                    self.take_tokens(group.stream());
                    colons = 0;
                }
                _ => colons = 0,
            }
        }
        self.take_path(path);
    }

    /// A path that stands where something is used.
    fn take_path(&mut self, path: Vec<String>) {
        match path.as_slice() {
            [] => {}
            // A name in lower case is a variable, unless it is called.
            [name] if name.starts_with(char::is_lowercase) => {}
            [name] => {
                self.names.insert(name.clone());
            }
            _ => self.paths.push(path),
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

impl<'ast> Visit<'ast> for File {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_for_tests(&item.attrs) {
            return;
        }
        match &item.content {
            None => {
                self.children.insert(item.ident.to_string());
            }
            Some(_) => visit::visit_item_mod(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let exported = !matches!(item.vis, syn::Visibility::Inherited);
            self.take_use(&item.tree, Vec::new(), exported);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    // `pub(in path)` says who may see, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.take_path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && let Some(name) = function.path.get_ident()
        {
            self.names.insert(name.to_string());
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.take_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}
