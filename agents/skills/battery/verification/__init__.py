"""An independent look at design, bill, sketch and plan: is each requirement kept, and what is the evidence?"""
