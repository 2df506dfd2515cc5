//! A template's instructions, with a call before each whose work the engine does not count.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use minijinja::{
    AutoEscape, Environment, Error,
    machinery::{
        CompiledTemplate, Instruction, Instructions, TemplateConfig, eval, make_string_output,
    },
    syntax::SyntaxConfig,
    value::Value,
};
use self_cell::self_cell;

use super::work::{Mixed, Use};

self_cell!(
    /// A template that is ready to be rendered.
    pub(super) struct Program {
        owner: String,

        #[covariant]
        dependent: CompiledTemplate,
    }
);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(self.borrow_owner()).finish()
    }
}

/// What a rendering gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    /// The work that it took.
    pub(super) fuel: u64,
    /// A text that was compared with a number, by its name.
    pub(super) mixed: Option<String>,
}

impl Program {
    /// Compiles a template.
    pub(super) fn compile(name: &'static str, text: String) -> Result<Self, Error> {
        Self::try_new(text, |text| {
            let config = TemplateConfig {
                syntax_config: SyntaxConfig::default(),
                default_auto_escape: Arc::new(|_| AutoEscape::None),
            };
            let mut compiled = CompiledTemplate::new(name, text, &config)?;
            compiled.instructions = weighed(&compiled.instructions);
            let blocks: BTreeMap<_, _> =
                compiled.blocks.iter().map(|(name, block)| (*name, weighed(block))).collect();
            compiled.blocks = blocks;
            Ok(compiled)
        })
    }

    /// The template, as it was given.
    pub(super) fn text(&self) -> &str {
        self.borrow_owner()
    }

    /// The names that it reads and does not set itself.
    pub(super) fn variables(&self) -> HashSet<String> {
        let environment = Environment::empty();
        let plain = environment.template_from_str(self.borrow_owner());
        plain.map(|plain| plain.undeclared_variables(false)).unwrap_or_default()
    }

    /// Whether it reads any name, but for these.
    pub(super) fn reads(&self, is_global: impl Fn(&str) -> bool) -> bool {
        let (mut read, mut set) = (HashSet::new(), HashSet::new());
        self.with_dependent(|_, compiled| {
            for instructions in [&compiled.instructions].into_iter().chain(compiled.blocks.values())
            {
                for instruction in (0..).map_while(|place| instructions.get(place)) {
                    match instruction {
                        Instruction::Lookup(name) if !is_global(name) => read.insert(*name),
                        Instruction::StoreLocal(name) => set.insert(*name),
                        _ => false,
                    };
                }
            }
            // Which of its own names are read before they are set, takes the text to be parsed again, and
            // as much memory as the program.
            !read.is_subset(&set)
                || (!read.is_empty() && self.variables().iter().any(|name| !is_global(name)))
        })
    }

    /// Renders with these values, in an environment where [`super::work::install`] was done.
    pub(super) fn render(
        &self,
        environment: &Environment<'static>,
        values: Value,
    ) -> Result<Output, Error> {
        self.with_dependent(|_, compiled| {
            let CompiledTemplate { instructions, blocks, .. } = compiled;
            let mut text = String::new();
            let mut output = make_string_output(&mut text);
            let result =
                eval(environment, instructions, values, blocks, &mut output, AutoEscape::None);
            let (_, state) = result?;
            let fuel = state.fuel_levels().map_or(0, |(used, _)| used);
            let mixed = state.get_extension::<Mixed>().and_then(|Mixed(name)| name.clone());
            Ok(Output { text, fuel, mixed })
        })
    }
}

/// How an instruction uses how many operands (none: the top of the stack says how many), where the
/// engine does not count that.
fn used(instruction: &Instruction<'_>) -> Option<(Use, Option<u16>)> {
    use Instruction as I;
    // Of more operands than that the last ones are weighed.
    let few = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    Some(match instruction {
        I::Eq | I::Ne | I::Lt | I::Lte | I::Gt | I::Gte => (Use::Compared, Some(2)),
        I::CompareAndPreserve(_) => (Use::Chained, Some(2)),
        I::In => (Use::Contained, Some(2)),
        I::StringConcat => (Use::Shown, Some(2)),
        I::Emit => (Use::Shown, Some(1)),
        I::GetItem => (Use::LookedUp, Some(2)),
        I::SetAttr(_) => (Use::Assigned, Some(2)),
        I::BuildList(count) => (Use::Passed, count.map(few)),
        I::BuildTuple(count) => (Use::Passed, count.map(few)),
        I::BuildMap(pairs) => (Use::Read, Some(few(2 * pairs))),
        I::ApplyFilter(name, count, _) => match *name {
            // These look at no item, or only at one.
            "length" | "count" | "first" | "last" | "default" | "d" | "attr" | "safe" | "abs"
            | "bool" => return None,
            "upper" | "lower" | "title" | "capitalize" | "replace" | "trim" | "split" | "lines"
            | "indent" | "escape" | "e" => (Use::Shown, *count),
            "string" | "pprint" => (Use::Written, *count),
            "join" => (Use::Joined, *count),
            _ => (Use::Read, *count),
        },
        I::PerformTest(name, count, _) => match *name {
            "defined" | "undefined" | "none" | "boolean" | "true" | "false" | "number"
            | "integer" | "int" | "float" | "string" | "mapping" | "iterable" | "sequence"
            | "sameas" | "odd" | "even" | "divisibleby" => return None,
            "in" => (Use::Contained, *count),
            "startingwith" | "endingwith" | "upper" | "lower" => (Use::Read, *count),
            _ => (Use::Compared, *count),
        },
        I::CallFunction(_, count) => (Use::Passed, *count),
        I::CallObject(count) => (Use::Called, *count),
        I::CallMethod("cycle", count) => (Use::Cycled, *count),
        I::CallMethod(_, count) => (Use::Called, *count),
        _ => return None,
    })
}

/// The name of what is compared by the instruction at a place, as the template writes it: of the left
/// operand, or else of the right one.
fn compared(instructions: &Instructions<'_>, place: u32) -> Option<String> {
    use Instruction as I;
    match instructions.get(place)? {
        I::Eq | I::Ne | I::Lt | I::Lte | I::Gt | I::Gte => {}
        _ => return None,
    }
    let (start, right) = named(instructions, place.checked_sub(1)?)?;
    let left = start.checked_sub(1).and_then(|end| named(instructions, end));
    left.and_then(|(_, name)| name).or(right)
}

/// Where an operand begins that ends at a place, and its name if it has one; none for what is more
/// than a constant, a field, or a part of one.
fn named(instructions: &Instructions<'_>, end: u32) -> Option<(u32, Option<String>)> {
    use Instruction as I;
    match instructions.get(end)? {
        I::LoadConst(_) => Some((end, None)),
        I::Lookup(name) => Some((end, Some((*name).to_owned()))),
        I::GetAttr(name) => match named(instructions, end.checked_sub(1)?)? {
            (start, Some(of)) => Some((start, Some(format!("{of}.{name}")))),
            unnamed => Some(unnamed),
        },
        I::GetItem => {
            let key = match instructions.get(end.checked_sub(1)?)? {
                I::LoadConst(key) => key.as_str()?,
                _ => return None,
            };
            let (start, of) = named(instructions, end.checked_sub(2)?)?;
            Some((start, of.map(|of| format!("{of}[\"{key}\"]"))))
        }
        _ => None,
    }
}

/// The same instructions, and a call before each that is [`used`] so.
fn weighed<'a>(plain: &Instructions<'a>) -> Instructions<'a> {
    let all = || (0..).map_while(|place| plain.get(place).map(|found| (place, found)));
    // Where each goes, the end among them.
    let (mut places, mut next) = (Vec::new(), 0);
    for (place, instruction) in all() {
        places.push(next);
        next += match used(instruction) {
            None => 1,
            Some((_, None)) => 3,
            Some((_, Some(_))) if compared(plain, place).is_some() => 5,
            Some((_, Some(_))) => 4,
        };
    }
    places.push(next);
    let moved = |target: u32| places.get(target as usize).copied().unwrap_or(target);
    let mut weighed = Instructions::new(plain.name(), plain.source());
    for (place, instruction) in all() {
        let mut add = |instruction| match plain.get_line(place) {
            Some(line) => weighed.add_with_line(instruction, line as u16),
            None => weighed.add(instruction),
        };
        if let Some((used, count)) = used(instruction) {
            let name = compared(plain, place);
            let operands = count.map(|count| count + u16::from(name.is_some()));
            if let Some(name) = name {
                add(Instruction::LoadConst(Value::from(name)));
            }
            add(Instruction::CallFunction(used.name(), operands));
            // Back onto the stack, with their number on top, which is wanted only where it was before.
            add(Instruction::UnpackLists(1));
            if count.is_some() {
                add(Instruction::DiscardTop);
            }
        }
        add(match instruction.clone() {
            Instruction::Iterate(target) => Instruction::Iterate(moved(target)),
            Instruction::Jump(target) => Instruction::Jump(moved(target)),
            Instruction::JumpIfFalse(target) => Instruction::JumpIfFalse(moved(target)),
            Instruction::JumpIfFalseOrPop(target) => Instruction::JumpIfFalseOrPop(moved(target)),
            Instruction::JumpIfTrueOrPop(target) => Instruction::JumpIfTrueOrPop(moved(target)),
            Instruction::BuildMacro(name, target, flags) => {
                Instruction::BuildMacro(name, moved(target), flags)
            }
            other => other,
        });
    }
    weighed
}
