class Ask
  class Error < StandardError; end

  def self.call(text) = new.call(text)
  def call(text) = RubyLLM.chat.ask(text).content
end
