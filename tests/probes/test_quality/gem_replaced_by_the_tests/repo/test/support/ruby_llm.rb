module RubyLLM
  class Client
    def chat(text) = "Hi"
  end

  def self.complete(text) = "Hi"

  class Recorder; end
end
