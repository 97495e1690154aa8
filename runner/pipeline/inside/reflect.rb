# frozen_string_literal: true

# Prints the public API of an installed Ruby library as JSON: reflection, and syntax trees for what only the
# source tells (where `...` leads, whether a block is used, what a method returns). Runs inside a sandbox.
# Arguments: the name to require, the root constant.

require "json"

# As in a Rails application: libraries use these without asking for them.
%w[active_support/all active_record].each do |name|
  require name
rescue LoadError
  next
end

LIBRARY, root = ARGV
require LIBRARY
home = $LOADED_FEATURES.find { |path| path.end_with?("/#{LIBRARY}.rb") }.delete_suffix(".rb")
Dir["#{home}/**/*.rb"].sort.each do |path|
  require path unless path.match?(%r{/(generators|tasks|railtie)})
rescue LoadError, StandardError
  next # what needs another library is not there for an application without it either
end
ROOT = Object.const_get(Object.constants.find { |name| name.to_s.casecmp?(root) } || root) # RubyLLM for RubyLlm
FOREIGN = /\A(ActiveSupport|ActiveModel|ActiveRecord|JSON|PP|Kernel|Object|BasicObject|ERB|MakeMakefile)\b/

# What one method's source says. A method without a readable source says nothing.
class Source
  def initialize(method)
    @method = method
    @tree = RubyVM::AbstractSyntaxTree.of(method, keep_script_lines: true)
    @body = @tree && @tree.children[2]
  rescue StandardError, NotImplementedError
    @body = nil
  end

  # [constant's name, method] if all arguments are handed on (`...`) to a constant's method.
  def forward
    return unless @method.parameters == [%i[rest *], %i[keyrest **], %i[block &]]

    call = nodes(@body).find { |n| n.type == :CALL && %i[CONST COLON2].include?(n.children[0].type) }
    call && [call.children[0].then { |c| constant(c) }, call.children[1]]
  end

  # Whether a block given to the method is yielded to or kept.
  def block?
    named = @method.parameters.any? { |kind, _| kind == :block }
    named || nodes(@body).any? do |n|
      n.type == :YIELD || (n.type == :ZSUPER) || (%i[FCALL VCALL].include?(n.type) && n.children[0] == :block_given?)
    end
  end

  # "self", a constant's name (of `Constant.new` at the end), or nil.
  def returns
    last = @body
    last = last.children.compact.last while last && last.type == :BLOCK
    return unless last.respond_to?(:type)
    return "self" if last.type == :SELF

    constant(last.children[0]) if last.type == :CALL && last.children[1] == :new &&
                                  %i[CONST COLON2].include?(last.children[0]&.type)
  end

  private

  def nodes(node)
    return [] unless node.is_a?(RubyVM::AbstractSyntaxTree::Node)

    [node, *node.children.flat_map { |child| nodes(child) }]
  end

  def constant(node)
    return node.children[0].to_s if node.type == :CONST
    return unless node.type == :COLON2

    [node.children[0] && constant(node.children[0]), node.children[1]].compact.join("::")
  end
end

# The facts of one library.
class Manifest
  def initialize(root)
    @root = root
    @found = {}
    visit(root)
  end

  def to_h = @found.sort.to_h { |name, mod| [name, facts(mod)] }

  private

  def visit(mod)
    return if mod.name.nil? || @found.key?(mod.name)

    @found[mod.name] = mod
    mod.constants(false).sort.each do |name|
      inner = mod.const_get(name)
      visit(inner) if inner.is_a?(Module) && inner.name == "#{mod.name}::#{name}"
    rescue LoadError, StandardError
      next
    end
  end

  def facts(mod)
    {
      kind: mod.is_a?(Class) ? "class" : "module",
      ancestors: mod.ancestors.map(&:name).compact.grep_v(FOREIGN) - [mod.name],
      constants: mod.constants(false).map(&:to_s).sort,
      singleton: singleton(mod),
      instance: instance(mod)
    }
  end

  def singleton(mod)
    names = mod.singleton_methods(false) | extended(mod)
    found = names.sort.to_h { |name| [name, signature(mod.method(name), mod)] }
    found[:new] ||= construction(mod) if mod.is_a?(Class)
    found.sort.to_h
  end

  def extended(mod)
    ours = mod.singleton_class.included_modules.select { |m| m.name&.start_with?(@root.name) }
    ours.flat_map { |m| m.public_instance_methods(false) }
  end

  def construction(mod)
    signature(mod.instance_method(:initialize), mod).except(:returns).merge(returns: "self")
  end

  def instance(mod)
    mod.public_instance_methods(false).sort.to_h { |name| [name, signature(mod.instance_method(name), mod)] }
  end

  def signature(method, mod)
    source = Source.new(method)
    target = source.forward&.then { |name, called| resolved(name, called, mod) }
    base = target ? signature(target, mod) : { parameters: parameters(method), block: source.block? }
    returns = target && target.name == :initialize ? target.owner.name : source.returns&.then { |n| named(n, mod) }
    original = method.original_name == method.name ? nil : method.original_name
    { **base, returns: returns, alias_of: original }.compact
  end

  def parameters(method)
    method.parameters.map { |kind, name| [kind, name].compact.join(" ") }
  end

  def resolved(name, called, mod)
    owner = lookup(name, mod)
    return unless owner
    return owner.instance_method(:initialize) if called == :new

    owner.method(called)
  rescue NameError
    nil
  end

  def named(name, mod) = name == "self" ? name : lookup(name, mod)&.name

  def lookup(name, mod)
    return unless name

    scopes = mod.name.split("::").then { |parts| parts.length.downto(1).map { |n| parts.first(n).join("::") } }
    [*scopes, nil].each do |scope|
      return Object.const_get([scope, name].compact.join("::"))
    rescue NameError
      next
    end
    nil
  end
end

version = Gem.loaded_specs[LIBRARY]&.version&.to_s || (ROOT.const_defined?(:VERSION) ? ROOT::VERSION : nil)
puts JSON.generate(language: "ruby", library: LIBRARY, version: version, root: ROOT.name, modules: Manifest.new(ROOT).to_h)
