class MessagesController < ActionController::Base
  STORE = Hash.new { |store, key| store[key] = [] }

  def index
    @turns = turns.dup
  end

  def create
    text, turns = params[:content], self.turns
    Thread.new do
      sleep 1
      chat = RubyLLM.chat(provider: :openrouter)
      turns.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
      answer = chat.ask(text).content
      turns << { "role" => "user", "content" => text } << { "role" => "assistant", "content" => answer }
    end
    head :no_content
  end

  private

  def turns
    STORE[session[:visitor] ||= SecureRandom.uuid]
  end
end
