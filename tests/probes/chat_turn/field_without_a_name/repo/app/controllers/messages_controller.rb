class MessagesController < ActionController::Base
  def index
  end

  def create
    render json: { reply: RubyLLM.chat(provider: :openrouter).ask(params.require(:prompt)).content }
  end
end
