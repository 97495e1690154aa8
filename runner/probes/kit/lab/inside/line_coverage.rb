# Counts which lines and methods of the app run, beside whatever else uses Coverage (SimpleCov say).
#
# Loaded by RUBYOPT before anything of the app, so its at_exit is the last. Whoever starts Coverage later
# joins: `result` hands out what was asked for, and counting goes on. Only core Ruby is used: a gem loaded
# here would be in the way of the app's own version of it.
require "coverage"

module LineCoverage
  FOLDER = ENV["LAB_COVERAGE"]
  ROOT = "#{Dir.pwd}/"
  NOT_THE_APP = %r{\A(?:test|spec|features|vendor|node_modules|tmp|coverage|log)/}
  ASKED = []

  # The calls of SimpleCov and its like.
  module Joined
    def setup(*modes) = modes.each { |mode| ASKED << mode }
    def start(*modes) = setup(*modes)
    def resume = nil
    def suspend = nil
    def running? = true
    def supported?(mode) = mode != :eval && super
    def peek_result = LineCoverage.shown(super)
    def result(**) = peek_result
  end

  def self.shown(result)
    wanted = ASKED.grep(Hash).flat_map { |modes| modes.select { |_, on| on }.keys }
    result.transform_values do |found|
      if wanted.include?(:oneshot_lines)
        { oneshot_lines: found[:lines].each_index.select { |index| found[:lines][index].to_i.positive? }.map(&:succ) }
      elsif wanted.empty? && !ASKED.include?(:all)
        found.slice(:lines, :branches)
      else
        ASKED.include?(:all) ? found : found.slice(*wanted)
      end
    end
  end

  def self.write
    result = Coverage.method(:peek_result).super_method.call
    File.open("#{FOLDER}/#{Process.pid}-#{rand(1_000_000)}", "w") do |file|
      result.each do |path, found|
        path = path.delete_prefix(ROOT)
        next if path.start_with?("/") || path.match?(NOT_THE_APP) || path.match?(/[\t\n]/)

        file.puts "L\t#{path}\t#{found[:lines].map { |count| count&.clamp(0, 9) }.join(",")}"
        found[:methods].each { |key, count| file.puts "M\t#{path}\t#{key[2]}\t#{key[4]}\t#{count.clamp(0, 9)}" }
      end
    end
  rescue StandardError
    nil
  end
end

if LineCoverage::FOLDER
  Coverage.start(lines: true, branches: true, methods: true)
  Coverage.singleton_class.prepend(LineCoverage::Joined)
  at_exit { LineCoverage.write }
end
