class AsksController < ApplicationController
  def create
    session[:locale] = params[:locale]
    session[:seen] = Time.current.to_i
    chat = RubyLLM.chat(provider: :openrouter)
    chat.add_message(role: :system, content: "Answer in #{session[:locale]}.")
    @reply = chat.ask(params[:content]).content
  end
end
